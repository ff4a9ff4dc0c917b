// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of sokr/ir.h and the table of them. Each is called by any thread, several at once,
//! and keeps nothing.

use std::ffi::{c_char, c_int};
use std::mem::size_of;
use std::slice;

use crate::abi::{self, ResultCode, Sizes, INVALID_INPUT};
use crate::guard::{guarded, on_own_stack};
use crate::reflection;
use crate::request::{read_arguments, read_request, Asked};
use crate::source::{looks_like_wgsl, Failure, RECOGNISED};
use crate::translate;

/// Pointers and ownership of a result may pass between the threads of one call.
struct Sent<T>(T);
// SAFETY: a reflection points into its own memory only.
unsafe impl<T> Send for Sent<T> {}

fn null_place() -> Failure {
    Failure { code: INVALID_INPUT, sentence: "the place for the result is a null pointer".into() }
}

/// What is valid can be lowered.
fn validate_asked(asked: &Asked) -> Result<(), Failure> {
    let bytes = asked.bytes;
    on_own_stack(move || translate::read(bytes)?.spirv(&Default::default(), None).map(|_| ()))
}

fn reflect_asked(asked: &Asked, sizes: Sizes) -> Result<*const abi::Reflection, Failure> {
    on_own_stack(|| {
        let wgsl = translate::read(asked.bytes)?;
        let values = wgsl.values(&asked.values)?;
        reflection::reflect(&wgsl, &values, asked.local_size, sizes).map(Sent)
    })
    .map(|sent| sent.0)
}

fn lower_asked(asked: &Asked) -> Result<Vec<u8>, Failure> {
    if asked.target != abi::FORMAT_SPIRV {
        let sentence = format!(
            "the target {:#010x} is none that this plugin lowers to: {:#010x}",
            asked.target,
            abi::FORMAT_SPIRV
        );
        return Err(Failure { code: INVALID_INPUT, sentence });
    }
    on_own_stack(|| {
        let wgsl = translate::read(asked.bytes)?;
        let values = wgsl.values(&asked.values)?;
        wgsl.spirv(&values, asked.local_size)
    })
}

/// The length stands in front of the bytes that are given out.
const LENGTH: usize = size_of::<u64>();

unsafe fn give_lowered(bytes: &[u8], out: *mut *mut u8, out_size: *mut usize) {
    let mut owned = vec![0u64; 1 + bytes.len().div_ceil(8)].into_boxed_slice();
    owned[0] = owned.len() as u64;
    let start = Box::into_raw(owned).cast::<u8>().add(LENGTH);
    std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
    *out = start;
    *out_size = bytes.len();
}

extern "C" fn free_lowered(lowered: *mut u8) {
    if lowered.is_null() {
        return;
    }
    // SAFETY: of give_lowered, which put the length of the slice first.
    unsafe {
        let start = lowered.sub(LENGTH).cast::<u64>();
        let length = *start as usize;
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, length)));
    }
}

extern "C" fn free_reflection(given: *const abi::Reflection) {
    // SAFETY: as sokr/ir.h says.
    unsafe { reflection::free(given) }
}

extern "C" fn recognise(data: *const u8, size: usize) -> c_int {
    if data.is_null() {
        return 0;
    }
    // SAFETY: as sokr/ir.h says.
    let first = unsafe { slice::from_raw_parts(data, size.min(RECOGNISED)) };
    let found = std::panic::catch_unwind(|| looks_like_wgsl(first));
    c_int::from(found.unwrap_or(false))
}

extern "C" fn validate(
    data: *const u8,
    size: usize,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    // SAFETY: of what the caller passes, as sokr/ir.h says; so in all functions below.
    unsafe {
        guarded(sentence, capacity, || {
            validate_asked(&read_arguments(data, size, std::ptr::null(), 0, std::ptr::null())?)
        })
    }
}

/// There are no options of this format: all are ignored.
extern "C" fn validate_with(
    data: *const u8,
    size: usize,
    _options: *const abi::IrOption,
    _option_count: u32,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    validate(data, size, sentence, capacity)
}

extern "C" fn validate_request(
    request: *const abi::Request,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    unsafe { guarded(sentence, capacity, || validate_asked(&read_request(request)?)) }
}

unsafe fn reflect_into<'a>(
    asked: impl FnOnce() -> Result<Asked<'a>, Failure>,
    sizes: Sizes,
    out: *mut *const abi::Reflection,
) -> Result<(), Failure> {
    if out.is_null() {
        return Err(null_place());
    }
    *out = std::ptr::null();
    *out = reflect_asked(&asked()?, sizes)?;
    Ok(())
}

#[allow(clippy::too_many_arguments)]
extern "C" fn reflect(
    data: *const u8,
    size: usize,
    values: *const abi::SpecValue,
    value_count: u32,
    local_size: *const u32,
    out: *mut *const abi::Reflection,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    unsafe {
        guarded(sentence, capacity, || {
            let asked = || read_arguments(data, size, values, value_count, local_size);
            reflect_into(asked, abi::SIZES_1_0, out)
        })
    }
}

extern "C" fn reflect_request(
    request: *const abi::Request,
    out: *mut *const abi::Reflection,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    unsafe {
        guarded(sentence, capacity, || reflect_into(|| read_request(request), abi::SIZES, out))
    }
}

unsafe fn lower_into<'a>(
    asked: impl FnOnce() -> Result<Asked<'a>, Failure>,
    out: *mut *mut u8,
    out_size: *mut usize,
) -> Result<(), Failure> {
    if out.is_null() || out_size.is_null() {
        return Err(null_place());
    }
    (*out, *out_size) = (std::ptr::null_mut(), 0);
    give_lowered(&lower_asked(&asked()?)?, out, out_size);
    Ok(())
}

extern "C" fn lower(
    data: *const u8,
    size: usize,
    target: u32,
    out: *mut *mut u8,
    out_size: *mut usize,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    unsafe {
        guarded(sentence, capacity, || {
            let asked = || {
                let asked = read_arguments(data, size, std::ptr::null(), 0, std::ptr::null())?;
                Ok(Asked { target, ..asked })
            };
            lower_into(asked, out, out_size)
        })
    }
}

extern "C" fn lower_request(
    request: *const abi::Request,
    out: *mut *mut u8,
    out_size: *mut usize,
    sentence: *mut c_char,
    capacity: usize,
) -> ResultCode {
    unsafe { guarded(sentence, capacity, || lower_into(|| read_request(request), out, out_size)) }
}

static TARGETS: [u32; 1] = [abi::FORMAT_SPIRV];

static TABLE: abi::Plugin = abi::Plugin {
    struct_size: size_of::<abi::Plugin>() as u32,
    ir_version: abi::IR_VERSION,
    name: c"wgsl".as_ptr(),
    version: concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast::<c_char>(),
    format: abi::FORMAT_WGSL,
    target_count: TARGETS.len() as u32,
    targets: TARGETS.as_ptr(),
    recognise,
    validate,
    reflect,
    free_reflection,
    lower,
    free_lowered,
    validate_with,
    validate_request,
    reflect_request,
    lower_request,
};

/// Read by hosts without opening the library.
#[used]
#[link_section = ".note.sokr"]
static NOTE: abi::Note = abi::Note {
    owner_size: 5,
    descriptor_size: 4,
    kind: abi::NOTE_IR,
    owner: *b"SOKR\0\0\0\0",
    format: abi::FORMAT_WGSL,
};

#[no_mangle]
pub extern "C" fn sokr_ir_plugin_main() -> *const abi::Plugin {
    &TABLE
}
