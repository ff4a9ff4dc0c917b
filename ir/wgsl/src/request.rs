// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a host asks, of any version, checked.

use std::mem::size_of;
use std::slice;

use crate::abi::{
    IrOption, Request, SpecValue, CAPABILITY_DENIED, INVALID_INPUT, IR_VERSION, REQUEST_LEAST,
    VERSION_MISMATCH,
};
use crate::source::Failure;

pub struct Asked<'a> {
    pub bytes: &'a [u8],
    pub values: Vec<SpecValue>,
    pub local_size: Option<[u32; 3]>,
    pub target: u32,
}

fn refuse<T>(code: i32, sentence: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { code, sentence: sentence.into() })
}

/// Copies what is known of a structure or element; false if there is something behind it.
unsafe fn copy_sized<T>(from: *const u8, from_size: usize, to: &mut T) -> bool {
    let known = from_size.min(size_of::<T>());
    std::ptr::copy_nonoverlapping(from, (to as *mut T).cast::<u8>(), known);
    slice::from_raw_parts(from.add(known), from_size - known).iter().all(|&byte| byte == 0)
}

unsafe fn read_elements<T: Copy>(
    from: *const T,
    count: u32,
    size: usize,
    empty: T,
    what: &str,
) -> Result<Vec<T>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if from.is_null() {
        return refuse(INVALID_INPUT, format!("the {what} are a null pointer"));
    }
    // What is known has not grown since 1.0.
    if size < size_of::<T>() {
        let least = size_of::<T>();
        return refuse(
            INVALID_INPUT,
            format!("one of the {what} is said to be {size} bytes long; it is at least {least}"),
        );
    }
    let mut all = Vec::new();
    for i in 0..count as usize {
        let mut element = empty;
        if !copy_sized(from.cast::<u8>().add(i * size), size, &mut element) {
            let what = format!("one of the {what} has something that this plugin does not know");
            return refuse(CAPABILITY_DENIED, what);
        }
        all.push(element);
    }
    Ok(all)
}

fn local_size(given: [u32; 3]) -> Option<[u32; 3]> {
    (given != [0; 3]).then_some(given)
}

/// # Safety
/// The pointers are null or as sokr/ir.h says, for as long as the result is used.
pub unsafe fn read_request<'a>(request: *const Request) -> Result<Asked<'a>, Failure> {
    if request.is_null() {
        return refuse(INVALID_INPUT, "the request is a null pointer");
    }
    let size = (*request.cast::<u32>()) as usize;
    if size < REQUEST_LEAST {
        return refuse(
            INVALID_INPUT,
            format!("the request has {size} bytes; it has at least {REQUEST_LEAST}"),
        );
    }
    let mut known: Request = std::mem::zeroed();
    if !copy_sized(request.cast::<u8>(), size, &mut known) {
        return refuse(
            CAPABILITY_DENIED,
            format!(
                "the request has {size} bytes, of which this plugin knows {}, and asks for \
                 something behind them",
                size_of::<Request>()
            ),
        );
    }
    if known.ir_version >> 16 != IR_VERSION >> 16 {
        return refuse(
            VERSION_MISMATCH,
            format!(
                "the request is of version {}.{} of sokr/ir.h; this plugin reads {}.x",
                known.ir_version >> 16,
                known.ir_version & 0xFFFF,
                IR_VERSION >> 16
            ),
        );
    }
    let nothing = IrOption { key: std::ptr::null(), value: std::ptr::null() };
    // There are no options of this plugin; what is asked wrongly is wrong all the same.
    read_elements(
        known.options,
        known.option_count,
        known.option_size as usize,
        nothing,
        "options",
    )?;
    let values = read_elements(
        known.specializations,
        known.specialization_count,
        known.specialization_size as usize,
        SpecValue::default(),
        "specializations",
    )?;
    Ok(Asked {
        bytes: read_bytes(known.data, known.size)?,
        values,
        local_size: local_size(known.local_size),
        target: known.target,
    })
}

/// # Safety
/// As read_request.
pub unsafe fn read_arguments<'a>(
    data: *const u8,
    size: usize,
    values: *const SpecValue,
    value_count: u32,
    sizes: *const u32,
) -> Result<Asked<'a>, Failure> {
    let bytes = read_bytes(data, size)?;
    let element = size_of::<SpecValue>();
    let values =
        read_elements(values, value_count, element, SpecValue::default(), "specializations")?;
    let given = if sizes.is_null() { [0; 3] } else { *sizes.cast::<[u32; 3]>() };
    Ok(Asked { bytes, values, local_size: local_size(given), target: 0 })
}

unsafe fn read_bytes<'a>(data: *const u8, size: usize) -> Result<&'a [u8], Failure> {
    if data.is_null() {
        return refuse(INVALID_INPUT, "the text is a null pointer");
    }
    Ok(slice::from_raw_parts(data, size))
}
