// SPDX-License-Identifier: MIT OR Apache-2.0
//! The structures of sokr/ir.h (version 1.2), by hand, and the rules of sokr/growth.h.
#![allow(dead_code)]

use std::ffi::{c_char, c_int};
use std::mem::{offset_of, size_of};

pub type ResultCode = c_int;
pub const OK: ResultCode = 0;
pub const INVALID_IR: ResultCode = 7;
pub const CAPABILITY_DENIED: ResultCode = 1;
pub const DISPATCH_FAILED: ResultCode = 2;
pub const VERSION_MISMATCH: ResultCode = 4;
pub const INVALID_INPUT: ResultCode = 6;

pub const IR_VERSION: u32 = 0x0001_0003;
/// "WGSL", as all numbers of formats are four characters.
pub const FORMAT_WGSL: u32 = 0x5747_534C;
pub const FORMAT_SPIRV: u32 = 0x5350_5256;

pub const STORAGE_BUFFER: u32 = 0;
pub const UNIFORM_BUFFER: u32 = 1;
pub const STORAGE_IMAGE: u32 = 2;
pub const SAMPLED_IMAGE: u32 = 3;
pub const SAMPLER: u32 = 4;
pub const OTHER_BINDING: u32 = 8;

pub const READ: u32 = 1;
pub const WRITE: u32 = 2;

pub const LOCAL_SIZE_LITERAL: u32 = 0;
pub const LOCAL_SIZE_ID: u32 = 1;
pub const LOCAL_SIZE_WORKGROUP: u32 = 2;
pub const LOCAL_SIZE_OVERRIDE: u32 = 3;
pub const NO_SPEC_ID: u32 = u32::MAX;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Binding {
    pub set: u32,
    pub binding: u32,
    pub count: u32,
    pub kind: u32,
    pub access: u32,
    pub runtime_stride: u32,
    pub min_size: u64,
    pub name: *const c_char,
    pub image_flags: u64,
    pub dimension: u32,
    pub image_format: u32,
    pub sampled_type: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct PushMember {
    pub name: *const c_char,
    pub type_name: *const c_char,
    pub offset: u32,
    pub size: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Port {
    pub name: *const c_char,
    pub shape: *const u64,
    pub rank: u32,
    pub direction: u32,
    pub kind: u32,
    pub scalar: u32,
    pub set: u32,
    pub binding: u32,
    pub offset: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct EntryPoint {
    pub name: *const c_char,
    pub local_size: [u32; 3],
    pub local_size_source: u32,
    pub local_size_spec_ids: [u32; 3],
    pub binding_count: u32,
    pub workgroup_bytes: u64,
    pub bindings: *const Binding,
    pub push_members: *const PushMember,
    pub push_member_count: u32,
    pub push_size: u32,
    pub ports: *const Port,
    pub port_count: u32,
    pub port_size: u32,
    pub binding_size: u32,
    pub push_member_size: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpecConstant {
    pub id: u32,
    pub scalar: u32,
    pub default_value: u64,
    pub declarations: u32,
    pub reserved: u32,
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct PushScalar {
    pub offset: u32,
    pub scalar: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct EntryTypes {
    pub binding_scalars: *const u32,
    pub push_scalars: *const PushScalar,
    pub push_scalar_count: u32,
    pub push_scalar_size: u32,
    pub push_read_ends: *const u32,
}

#[repr(C)]
pub struct Reflection {
    pub struct_size: u32,
    pub entry_point_count: u32,
    pub entry_points: *const EntryPoint,
    pub spec_constants: *const SpecConstant,
    pub capabilities: *const *const c_char,
    pub extensions: *const *const c_char,
    pub spec_constant_count: u32,
    pub capability_count: u32,
    pub extension_count: u32,
    pub entry_types_size: u32,
    pub entry_types: *const EntryTypes,
    pub entry_point_size: u32,
    pub spec_constant_size: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct SpecValue {
    pub id: u32,
    pub size: u32,
    pub value: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct IrOption {
    pub key: *const c_char,
    pub value: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Request {
    pub struct_size: u32,
    pub ir_version: u32,
    pub data: *const u8,
    pub size: usize,
    pub specializations: *const SpecValue,
    pub specialization_count: u32,
    pub specialization_size: u32,
    pub options: *const IrOption,
    pub option_count: u32,
    pub option_size: u32,
    pub local_size: [u32; 3],
    pub subgroup_size: u32,
    pub limits: *const u32,
    pub target: u32,
    pub reserved: u32,
}

type Sentence = *mut c_char;

#[repr(C)]
pub struct Plugin {
    pub struct_size: u32,
    pub ir_version: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub format: u32,
    pub target_count: u32,
    pub targets: *const u32,
    pub recognise: extern "C" fn(*const u8, usize) -> c_int,
    pub validate: extern "C" fn(*const u8, usize, Sentence, usize) -> ResultCode,
    pub reflect: extern "C" fn(
        *const u8,
        usize,
        *const SpecValue,
        u32,
        *const u32,
        *mut *const Reflection,
        Sentence,
        usize,
    ) -> ResultCode,
    pub free_reflection: extern "C" fn(*const Reflection),
    pub lower: extern "C" fn(
        *const u8,
        usize,
        u32,
        *mut *mut u8,
        *mut usize,
        Sentence,
        usize,
    ) -> ResultCode,
    pub free_lowered: extern "C" fn(*mut u8),
    pub validate_with:
        extern "C" fn(*const u8, usize, *const IrOption, u32, Sentence, usize) -> ResultCode,
    pub validate_request: extern "C" fn(*const Request, Sentence, usize) -> ResultCode,
    pub reflect_request:
        extern "C" fn(*const Request, *mut *const Reflection, Sentence, usize) -> ResultCode,
    pub lower_request:
        extern "C" fn(*const Request, *mut *mut u8, *mut usize, Sentence, usize) -> ResultCode,
}

/// The table points to constants only.
unsafe impl Sync for Plugin {}

/// The ELF note that announces the format.
#[repr(C)]
pub struct Note {
    pub owner_size: u32,
    pub descriptor_size: u32,
    pub kind: u32,
    pub owner: [u8; 8],
    pub format: u32,
}
pub const NOTE_IR: u32 = 2;

/// The sizes of elements that a caller reads.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub entry_point: usize,
    pub binding: usize,
    pub push_member: usize,
    pub spec_constant: usize,
}

pub const SIZES: Sizes = Sizes {
    entry_point: size_of::<EntryPoint>(),
    binding: size_of::<Binding>(),
    push_member: size_of::<PushMember>(),
    spec_constant: size_of::<SpecConstant>(),
};

const fn rounded(size: usize) -> usize {
    (size + 7) & !7
}

pub const SIZES_1_0: Sizes = Sizes {
    entry_point: offset_of!(EntryPoint, ports),
    binding: rounded(offset_of!(Binding, image_flags)),
    push_member: size_of::<PushMember>(),
    spec_constant: rounded(size_of::<SpecConstant>()),
};

/// What every request has.
pub const REQUEST_LEAST: usize = offset_of!(Request, local_size) + 12;

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Binding>() == 64 && SIZES_1_0.binding == 40);
    assert!(size_of::<PushMember>() == 24);
    assert!(size_of::<Port>() == 48);
    assert!(size_of::<EntryPoint>() == 96 && SIZES_1_0.entry_point == 72);
    assert!(size_of::<SpecConstant>() == 32);
    assert!(size_of::<EntryTypes>() == 32);
    assert!(size_of::<Reflection>() == 72);
    assert!(size_of::<SpecValue>() == 16);
    assert!(size_of::<Request>() == 88);
    assert!(size_of::<Plugin>() == 120);
    assert!(size_of::<Note>() == 24);
};
