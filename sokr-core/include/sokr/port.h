/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/port.h - the one thing that the core would ask of an operating system.
 *
 * sokr_deregister_substrate waits until the last call has left the plugin. The
 * core knows no scheduler: between two looks it calls sokr_port_wait, whose weak
 * default is the processor's pause instruction. A program that links the static
 * library may define the function itself, for example to yield to other tasks.
 * Where threads have fixed priorities on one processor it has to: a thread that
 * spins never lets a less important one leave the plugin. The shared library
 * always has the default.
 *
 * Called on the thread that deregisters, any number of times. It must return,
 * and must not call the core.
 */
#ifndef SOKR_PORT_H_
#define SOKR_PORT_H_

#ifdef __cplusplus
extern "C" {
#endif

void sokr_port_wait(void);

#ifdef __cplusplus
}
#endif

#endif /* SOKR_PORT_H_ */
