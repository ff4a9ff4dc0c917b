// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text before naga sees it: whether it looks like WGSL, where a byte is, and whether it is
//! too large or too deep for a translator that works by recursion.

use crate::abi::{ResultCode, CAPABILITY_DENIED, INVALID_IR};
use crate::zeros;

/// Why a function of the table refuses: its code and its sentence.
#[derive(Debug)]
pub struct Failure {
    pub code: ResultCode,
    pub sentence: String,
}

/// Bytes that recognise looks at.
pub const RECOGNISED: usize = 65536;

pub const MOST_BYTES: usize = 512 * 1024;
/// Brackets inside of brackets.
pub const MOST_NESTED: usize = 100;
/// Tokens on the way down to the innermost one: what stands before it in each expression or
/// chain of `else` that it is a part of. What naga needs of a stack grows with that.
pub const MOST_CHAINED: usize = 1000;
pub const MOST_DECLARATIONS: usize = 4096;
/// Elements of the longest list, for each statement of the text.
pub const MOST_COPIED: usize = 1 << 22;

/// "LINE:COLUMN: what", both from 1 and the column in characters.
pub fn failure_at(code: ResultCode, text: &[u8], offset: usize, what: &str) -> Failure {
    let before = &text[..offset.min(text.len())];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let column = before[start..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count() + 1;
    Failure { code, sentence: format!("{line}:{column}: {what}") }
}

/// Bytes of the blank that `text` begins with, or 0. Blanks, line breaks, comments and names are
/// those of WGSL, as naga reads them: what one of the two takes for a comment and the other does
/// not would be measured by nobody.
fn blank_length(text: &[u8]) -> usize {
    match *text {
        [b' ' | b'\t', ..] => 1,
        [0xE2, 0x80, 0x8E | 0x8F, ..] => 3, // marks of the direction of writing
        _ => line_break_length(text),
    }
}

/// Bytes of the line break that `text` begins with, or 0.
fn line_break_length(text: &[u8]) -> usize {
    match *text {
        [b'\n'..=b'\r', ..] => 1,
        [0xC2, 0x85, ..] => 2,              // next line
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3, // line and paragraph separator
        _ => 0,
    }
}

/// Of a comment that begins with two slashes, with the line break that ends it.
fn line_comment_length(text: &[u8]) -> Option<usize> {
    (2..text.len()).find_map(|at| match line_break_length(&text[at..]) {
        0 => None,
        length => Some(at + length),
    })
}

/// Where the spaces and comments at the start of `text` end; None if they do not end in it.
fn skip_blank(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        rest.first()?;
        let blank = blank_length(rest);
        if blank != 0 {
            at += blank;
        } else if rest.starts_with(b"\xEF\xBB\xBF") && at == 0 {
            at += 3;
        } else if rest.starts_with(b"//") {
            at += line_comment_length(rest)?;
        } else if rest.starts_with(b"/*") {
            at += comment_length(rest)?;
        } else {
            return Some(at);
        }
    }
}

/// Of a block comment, which may hold others.
fn comment_length(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    while depth != 0 {
        match text.get(at..at + 2)? {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

/// A name, a number or a keyword. Which letters beyond ASCII names may have is naga's to say.
fn word(text: &[u8]) -> &[u8] {
    let of_word = |(at, &byte): (usize, &u8)| match byte {
        b'_' => true,
        0x80.. => blank_length(&text[at..]) == 0,
        _ => byte.is_ascii_alphanumeric(),
    };
    let end = text.iter().enumerate().position(|each| !of_word(each));
    &text[..end.unwrap_or(text.len())]
}

/// What follows the next word, if that is one, and blanks behind it.
fn behind_word(text: &[u8]) -> Option<&[u8]> {
    let text = &text[skip_blank(text)?..];
    let name = word(text);
    let rest = &text[name.len()..];
    (!name.is_empty()).then_some(())?;
    Some(&rest[skip_blank(rest)?..])
}

/// Whether the first declaration is one that only WGSL has. Other languages have structs,
/// constants and functions too, but write them in another way.
pub fn looks_like_wgsl(first: &[u8]) -> bool {
    starts_like_wgsl(first).unwrap_or(false)
}

fn starts_like_wgsl(first: &[u8]) -> Option<bool> {
    let text = &first[skip_blank(first)?..];
    if let Some(attribute) = text.strip_prefix(b"@") {
        return Some(matches!(
            word(attribute),
            b"group"
                | b"binding"
                | b"compute"
                | b"workgroup_size"
                | b"id"
                | b"must_use"
                | b"diagnostic"
                | b"vertex"
                | b"fragment"
                | b"const"
        ));
    }
    let name = word(text);
    let rest = &text[name.len()..];
    Some(match name {
        b"enable" | b"requires" | b"const_assert" | b"diagnostic" => true,
        b"fn" => behind_word(rest)?.starts_with(b"("),
        b"alias" | b"const" => matches!(behind_word(rest)?.first()?, b'=' | b':'),
        b"override" => matches!(behind_word(rest)?.first()?, b'=' | b':' | b';'),
        b"var" => {
            let rest = &rest[skip_blank(rest)?..];
            rest.starts_with(b"<") || behind_word(rest)?.starts_with(b":")
        }
        b"struct" => {
            let body = behind_word(rest)?.strip_prefix(b"{")?;
            let member = &body[skip_blank(body)?..];
            member.starts_with(b"@") || behind_word(member)?.starts_with(b":")
        }
        _ => false,
    })
}

/// The text, if naga may see it.
pub fn checked(bytes: &[u8]) -> Result<&str, Failure> {
    if bytes.len() > MOST_BYTES {
        return Err(failure_at(
            CAPABILITY_DENIED,
            bytes,
            MOST_BYTES,
            &format!("the text has {} bytes; {MOST_BYTES} are read at most", bytes.len()),
        ));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let what = "the text is not UTF-8 from here on; WGSL is written in it";
        failure_at(INVALID_IR, bytes, error.valid_up_to(), what)
    })?;
    let control =
        |byte: &u8| (*byte < 0x20 && !byte.is_ascii_whitespace() && *byte != 0x0B) || *byte == 0x7F;
    if let Some(at) = bytes.iter().position(control) {
        let what = format!("the byte {:#04x} is no text; WGSL has none", bytes[at]);
        return Err(failure_at(INVALID_IR, bytes, at, &what));
    }
    Depth::default().measure(bytes)?;
    zeros::check(bytes)?;
    Ok(text)
}

/// What is open around a token.
#[derive(Default)]
struct Depth {
    levels: Vec<usize>, // tokens in the expression or chain that each bracket stands in
    chained: usize,     // their sum, and those of the innermost one
    innermost: usize,
    closed: bool, // a block ended right before: a new statement unless `else` follows
    declarations: usize,
    statements: usize,
    listed: Vec<usize>, // commas in each bracket
    most_listed: usize,
}

/// Words and single characters with their offsets, without comments.
pub fn tokens(text: &[u8]) -> Result<Vec<(usize, &[u8])>, Failure> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = &text[at..];
        let blank = blank_length(rest);
        if blank != 0 {
            at += blank;
        } else if rest.starts_with(b"//") {
            at += line_comment_length(rest).unwrap_or(rest.len());
        } else if rest.starts_with(b"/*") {
            at += comment_length(rest).ok_or_else(|| {
                failure_at(INVALID_IR, text, at, "this comment does not end; */ ends it")
            })?;
        } else {
            let token = &rest[..word(rest).len().max(1)];
            all.push((at, token));
            at += token.len();
        }
    }
    Ok(all)
}

impl Depth {
    fn measure(&mut self, text: &[u8]) -> Result<(), Failure> {
        for (at, token) in tokens(text)? {
            self.add(token);
            self.check().map_err(|what| failure_at(CAPABILITY_DENIED, text, at, &what))?;
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.chained -= self.innermost;
        self.innermost = 0;
    }

    fn add(&mut self, token: &[u8]) {
        if std::mem::take(&mut self.closed) && token != b"else" {
            self.restart();
        }
        match token {
            b"{" | b"(" | b"[" => {
                self.innermost += 1;
                self.chained += 1;
                self.levels.push(std::mem::take(&mut self.innermost));
                self.listed.push(0);
            }
            b"}" | b")" | b"]" => {
                self.restart();
                self.innermost = self.levels.pop().unwrap_or(0);
                self.closed = token == b"}";
                self.listed.pop();
            }
            b";" => {
                self.statements += 1;
                self.restart();
            }
            b"," => {
                if let Some(listed) = self.listed.last_mut() {
                    *listed += 1;
                    self.most_listed = self.most_listed.max(*listed);
                }
                self.restart();
            }
            _ => {
                if self.levels.is_empty() && is_declaration(token) {
                    self.declarations += 1;
                }
                self.innermost += 1;
                self.chained += 1;
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.levels.len() > MOST_NESTED {
            return Err(format!(
                "this bracket is inside of {MOST_NESTED} others, which is as deep \
                                as is read; use variables or functions"
            ));
        }
        if self.chained > MOST_CHAINED {
            return Err(format!(
                "this is too deep in one expression or chain of else: more than \
                                {MOST_CHAINED} words; split it"
            ));
        }
        if self.most_listed.saturating_mul(self.statements) > MOST_COPIED {
            return Err(format!(
                "the longest list of this text, of {} elements, is too long for {} statements, each \
                 of which may copy it",
                self.most_listed, self.statements
            ));
        }
        if self.declarations > MOST_DECLARATIONS {
            return Err(format!("this is more than {MOST_DECLARATIONS} declarations"));
        }
        Ok(())
    }
}

fn is_declaration(token: &[u8]) -> bool {
    matches!(token, b"fn" | b"var" | b"const" | b"override" | b"struct" | b"alias")
}
