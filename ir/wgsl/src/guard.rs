// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands between the table and the translator: sentences in the caller's memory, a stack of
//! known size, and no panic across the boundary.

use std::any::Any;
use std::ffi::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;

use crate::abi::{ResultCode, CAPABILITY_DENIED, DISPATCH_FAILED, OK};
use crate::source::Failure;

/// Enough for the deepest text that source.rs lets through, several times; touched only where
/// it is used.
const STACK_BYTES: usize = 64 << 20;

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return text;
    }
    panic.downcast_ref::<String>().map_or("no reason given", String::as_str)
}

/// Runs `work` with a stack of its own. naga panics where it meets a case that it does not know.
pub fn on_own_stack<T: Send>(
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    // What is caught is said in the sentence. The hook is this library's own.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| Failure {
            code: DISPATCH_FAILED,
            sentence: format!("1:1: no thread for the translation could be started: {error}"),
        })?;
        thread.join().unwrap_or_else(|panic| {
            let why = panic_text(panic.as_ref());
            Err(Failure {
                code: CAPABILITY_DENIED,
                sentence: format!("1:1: this is more than the translator (naga) knows: {why}"),
            })
        })
    })
}

/// One line of UTF-8 with a final 0, cut between characters.
///
/// # Safety
/// `out` is null or has room for `capacity` bytes.
unsafe fn write_sentence(sentence: &str, out: *mut c_char, capacity: usize) {
    if out.is_null() || capacity == 0 {
        return;
    }
    let mut length = sentence.len().min(capacity - 1);
    while !sentence.is_char_boundary(length) {
        length -= 1;
    }
    for (i, byte) in sentence.bytes().take(length).enumerate() {
        *out.add(i) = if byte < 0x20 || byte == 0x7F { b' ' } else { byte } as c_char;
    }
    *out.add(length) = 0;
}

/// Runs one function of the table and says how it went.
///
/// # Safety
/// As write_sentence.
pub unsafe fn guarded(
    sentence: *mut c_char,
    capacity: usize,
    body: impl FnOnce() -> Result<(), Failure>,
) -> ResultCode {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let sentence = format!("the plugin panicked: {}", panic_text(panic.as_ref()));
        Err(Failure { code: DISPATCH_FAILED, sentence })
    });
    match result {
        Ok(()) => {
            write_sentence("", sentence, capacity);
            OK
        }
        Err(failure) => {
            write_sentence(&failure.sentence, sentence, capacity);
            failure.code
        }
    }
}
