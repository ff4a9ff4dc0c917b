// SPDX-License-Identifier: MIT OR Apache-2.0
//! Constant indices in words of SPIR-V: which array each one is of. naga leaves those alone that
//! are below the length that it knows, which is no length where an override decides it.

use std::collections::HashMap;

use crate::spirv::{instructions, is, Op};

/// What the indices of an access chain go through.
enum Parts {
    Members(Vec<u32>),
    /// All of one type; with the length's id if that is one of an array.
    Same(u32, Option<u32>),
}

#[derive(Default)]
pub struct Paths {
    parts: HashMap<u32, Parts>,
    pointees: HashMap<u32, u32>,
    pointers: HashMap<u32, u32>, // types of what may be a base
    words: HashMap<u32, u32>,    // of constants
}

/// An index of an access chain.
pub struct Index {
    /// Where it is in the instruction.
    pub at: usize,
    pub word: u32,
    /// The id of the length of its array.
    pub length: u32,
}

impl Paths {
    pub fn new(words: &[u32]) -> Self {
        let mut paths = Paths::default();
        for instruction in instructions(words) {
            paths.learn(instruction);
        }
        paths
    }

    fn learn(&mut self, instruction: &[u32]) {
        let has = |op| is(instruction, op);
        match *instruction {
            [_, id, element, length] if has(Op::TypeArray) => {
                self.parts.insert(id, Parts::Same(element, Some(length)));
            }
            [_, id, element, ..]
                if has(Op::TypeRuntimeArray) || has(Op::TypeVector) || has(Op::TypeMatrix) =>
            {
                self.parts.insert(id, Parts::Same(element, None));
            }
            [_, id, ref members @ ..] if has(Op::TypeStruct) => {
                self.parts.insert(id, Parts::Members(members.to_vec()));
            }
            [_, id, _, pointee] if has(Op::TypePointer) => {
                self.pointees.insert(id, pointee);
            }
            [_, _, id, word] if has(Op::Constant) => {
                self.words.insert(id, word);
            }
            [_, ty, id, ..]
                if has(Op::Variable) || has(Op::FunctionParameter) || has(Op::AccessChain) =>
            {
                self.pointers.insert(id, ty);
            }
            _ => (),
        }
    }

    /// Those of an access chain that are constants and of arrays with a length.
    pub fn of_chain(&self, chain: &[u32]) -> Vec<Index> {
        let mut found = Vec::new();
        let [_, _, _, base, ref indices @ ..] = *chain else { return found };
        let pointer = self.pointers.get(&base);
        let mut ty = pointer.and_then(|pointer| self.pointees.get(pointer)).copied();
        for (i, id) in indices.iter().enumerate() {
            let word = self.words.get(id).copied();
            ty = match ty.and_then(|ty| self.parts.get(&ty)) {
                Some(Parts::Members(all)) => word.and_then(|word| all.get(word as usize)).copied(),
                Some(&Parts::Same(element, length)) => {
                    if let (Some(word), Some(length)) = (word, length) {
                        found.push(Index { at: 4 + i, word, length });
                    }
                    Some(element)
                }
                None => None,
            };
        }
        found
    }
}
