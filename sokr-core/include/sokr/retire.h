/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/retire.h - how a substrate learns that it is about to be destroyed.
 *
 * sokr_deregister_substrate waits until the last call has left the plugin, and a
 * call that waits for work without end would keep it for ever. A plugin that can
 * end such waits says so in its table, by one bit of a number that the core accepts
 * whatever it is:
 *
 *     {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH | SOKR_RETIRES}
 *
 * If anybody is inside when it is deregistered, the core then first calls its
 * completion_fn once with this query, which no caller can make, since the core
 * refuses the token 0:
 *
 *     {SOKR_RETIRE_TOKEN, SOKR_RETIRE_TIMEOUT}
 *
 * The plugin abandons what does not end by itself soon: every wait inside it ends.
 * What it answers is not looked at. The call comes on the thread that deregisters,
 * beside the calls that are still inside; destroy_fn follows when they have left.
 */
#ifndef SOKR_RETIRE_H_
#define SOKR_RETIRE_H_

#include <stdint.h>

#define SOKR_RETIRES UINT32_C(0x80000000)
#define SOKR_RETIRE_TOKEN UINT64_C(0)
#define SOKR_RETIRE_TIMEOUT UINT64_C(0x524554)

#endif /* SOKR_RETIRE_H_ */
