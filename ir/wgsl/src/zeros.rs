// SPDX-License-Identifier: MIT OR Apache-2.0
//! How large the zero values are that a text builds, as in `array<u32, 1000>()`. naga writes them
//! out element by element when it computes with them, whatever they are; a few words of text could
//! ask for gigabytes, or for structures of structures without end.

use std::collections::HashMap;

use crate::abi::CAPABILITY_DENIED;
use crate::source::{failure_at, tokens, Failure};

/// Elements that naga may write out for one value.
pub const MOST_ELEMENTS: u64 = 1 << 20;
/// Of numbers, vectors and matrices, rounded up.
const SMALL: u64 = 16;
/// Of what is not understood here.
const UNKNOWN: u64 = u64::MAX;

struct Zeros<'a> {
    tokens: Vec<(usize, &'a [u8])>,
    /// Where the type of an alias, or the body of a structure, begins.
    types: HashMap<&'a [u8], usize>,
    /// Lengths that have a name.
    lengths: HashMap<&'a [u8], u64>,
    known: HashMap<&'a [u8], u64>,
}

fn number(token: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(token).ok()?;
    let text = text.trim_end_matches(['u', 'i']);
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Refuses a text in which a zero value has too many elements.
pub fn check(text: &[u8]) -> Result<(), Failure> {
    let tokens = tokens(text)?;
    let mut zeros =
        Zeros { tokens, types: HashMap::new(), lengths: HashMap::new(), known: HashMap::new() };
    zeros.find_declarations();
    let mut at = 0;
    while at < zeros.tokens.len() {
        let name = zeros.token(at);
        if name != b"array" && !zeros.types.contains_key(name) {
            at += 1;
            continue;
        }
        let (elements, behind) = zeros.of_type(at);
        if zeros.token(behind) == b"("
            && zeros.token(behind + 1) == b")"
            && elements > MOST_ELEMENTS
        {
            let what = format!(
                "this zero value has more than {MOST_ELEMENTS} elements, or as many as are not \
                 known here; a variable without an initial value is zero too"
            );
            return Err(failure_at(CAPABILITY_DENIED, text, zeros.tokens[at].0, &what));
        }
        at += 1;
    }
    Ok(())
}

impl<'a> Zeros<'a> {
    /// Empty behind the end.
    fn token(&self, at: usize) -> &'a [u8] {
        self.tokens.get(at).map_or(b"", |&(_, token)| token)
    }

    fn find_declarations(&mut self) {
        for at in 0..self.tokens.len() {
            let name = self.token(at + 1);
            match self.token(at) {
                b"alias" if self.token(at + 2) == b"=" => {
                    self.types.insert(name, at + 3);
                }
                b"struct" if self.token(at + 2) == b"{" => {
                    self.types.insert(name, at + 3);
                }
                b"const" => {
                    let is = (at + 2..at + 5).find(|&is| self.token(is) == b"=");
                    let value = is.map_or(UNKNOWN, |is| self.at_most(is + 1, &[b";"]));
                    // Of two with a name, in two functions, the larger one.
                    let length = self.lengths.entry(name).or_insert(0);
                    *length = (*length).max(value);
                }
                _ => (),
            }
        }
    }

    /// What the numbers and names up to one of these tokens are at most, as operands of + - * / %
    /// on numbers that are not negative.
    fn at_most(&self, from: usize, until: &[&[u8]]) -> u64 {
        let (mut value, mut at) = (0u64, from);
        loop {
            let token = self.token(at);
            let operand = number(token).or_else(|| self.lengths.get(token).copied());
            let Some(operand) = operand else { return UNKNOWN };
            value = match self.token(at - 1) {
                b"*" => value.saturating_mul(operand.max(1)),
                b"-" | b"/" | b"%" if at > from => value,
                _ => value.saturating_add(operand),
            };
            at += 1;
            match self.token(at) {
                b"+" | b"-" | b"*" | b"/" | b"%" => at += 1,
                end if until.contains(&end) => return value,
                _ => return UNKNOWN,
            }
        }
    }

    /// The elements of the type at a token, and the token behind it.
    fn of_type(&mut self, at: usize) -> (u64, usize) {
        let name = self.token(at);
        if self.token(at + 1) != b"<" {
            return (self.of_name(name), at + 1);
        }
        let end = self.template_end(at + 1);
        if name != b"array" {
            return (SMALL, end);
        }
        let (element, behind) = self.of_type(at + 2);
        let length = match self.token(behind) {
            b"," => self.at_most(behind + 1, &[b">", b","]),
            b">" => 0,
            _ => UNKNOWN,
        };
        (element.saturating_add(length), end)
    }

    /// Behind the > that belongs to a <.
    fn template_end(&self, from: usize) -> usize {
        let (mut at, mut depth) = (from, 0usize);
        while at < self.tokens.len() {
            match self.token(at) {
                b"<" => depth += 1,
                b">" => depth -= 1,
                b";" | b"{" | b"}" => return at,
                _ => (),
            }
            at += 1;
            if depth == 0 {
                return at;
            }
        }
        at
    }

    fn of_name(&mut self, name: &'a [u8]) -> u64 {
        if let Some(&known) = self.known.get(name) {
            return known;
        }
        let Some(&start) = self.types.get(name) else { return SMALL };
        // What contains itself is refused by naga.
        self.known.insert(name, UNKNOWN);
        let elements = if self.token(start - 1) == b"=" {
            self.of_type(start).0
        } else {
            self.of_members(start)
        };
        self.known.insert(name, elements);
        elements
    }

    /// The sum of what stands behind each colon, up to the end of the structure.
    fn of_members(&mut self, start: usize) -> u64 {
        let (mut at, mut elements) = (start, SMALL);
        while !matches!(self.token(at), b"}" | b"") {
            at = if self.token(at) == b":" {
                let (of_member, behind) = self.of_type(at + 1);
                elements = elements.saturating_add(of_member);
                behind
            } else {
                at + 1
            };
        }
        elements
    }
}
