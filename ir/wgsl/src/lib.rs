// SPDX-License-Identifier: MIT OR Apache-2.0
//! An IR plugin of SOKR: reads WGSL, lowers it to SPIR-V with naga. The table of sokr/ir.h is all
//! that it shares with its host.

mod abi;
mod functions;
mod guard;
mod indices;
mod overrides;
mod reflection;
mod request;
mod source;
mod spirv;
mod table;
mod translate;
mod zeros;
