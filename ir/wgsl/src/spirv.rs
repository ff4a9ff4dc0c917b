// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words of SPIR-V: puts specialization constants where naga wrote numbers for them.

use std::collections::{HashMap, HashSet};

use naga::{BinaryOperator as Bin, Scalar, ScalarKind};

use crate::indices::Paths;
use crate::overrides::{Definition, Mark, Operand, Overrides};

/// As the specification names them.
#[allow(clippy::enum_variant_names)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Op {
    Name = 5,
    EntryPoint = 15,
    ExecutionMode = 16,
    TypeVoid = 19,
    TypeBool = 20,
    TypeInt = 21,
    TypeFloat = 22,
    TypeVector = 23,
    TypeMatrix = 24,
    TypeArray = 28,
    TypeRuntimeArray = 29,
    TypeStruct = 30,
    TypePointer = 32,
    ConstantTrue = 41,
    ConstantFalse = 42,
    Constant = 43,
    ConstantComposite = 44,
    SpecConstantTrue = 48,
    SpecConstantFalse = 49,
    SpecConstant = 50,
    SpecConstantComposite = 51,
    SpecConstantOp = 52,
    FunctionParameter = 55,
    Variable = 59,
    AccessChain = 65,
    Decorate = 71,
    MemberDecorate = 72,
    SNegate = 126,
    IAdd = 128,
    ISub = 130,
    IMul = 132,
    UDiv = 134,
    SDiv = 135,
    UMod = 137,
    SRem = 138,
    LogicalEqual = 164,
    LogicalNotEqual = 165,
    LogicalOr = 166,
    LogicalAnd = 167,
    LogicalNot = 168,
    Select = 169,
    IEqual = 170,
    INotEqual = 171,
    UGreaterThan = 172,
    SGreaterThan = 173,
    UGreaterThanEqual = 174,
    SGreaterThanEqual = 175,
    ULessThan = 176,
    SLessThan = 177,
    ULessThanEqual = 178,
    SLessThanEqual = 179,
    ShiftRightLogical = 194,
    ShiftRightArithmetic = 195,
    ShiftLeftLogical = 196,
    BitwiseOr = 197,
    BitwiseXor = 198,
    BitwiseAnd = 199,
    Not = 200,
    ExecutionModeId = 331,
}

const HEADER: usize = 5;
const DECORATION_SPEC_ID: u32 = 1;
const DECORATION_BUILT_IN: u32 = 11;
const BUILT_IN_WORKGROUP_SIZE: u32 = 25;
const MODE_LOCAL_SIZE: u32 = 17;
const MODE_LOCAL_SIZE_ID: u32 = 38;

/// The operation on specialization constants, and whether it gives a bool.
pub fn binary(op: Bin, kind: ScalarKind) -> Option<(Op, bool)> {
    use ScalarKind::{Bool, Sint, Uint};
    Some(match (op, kind) {
        (Bin::Add, Sint | Uint) => (Op::IAdd, false),
        (Bin::Subtract, Sint | Uint) => (Op::ISub, false),
        (Bin::Multiply, Sint | Uint) => (Op::IMul, false),
        (Bin::Divide, Uint) => (Op::UDiv, false),
        (Bin::Divide, Sint) => (Op::SDiv, false),
        (Bin::Modulo, Uint) => (Op::UMod, false),
        (Bin::Modulo, Sint) => (Op::SRem, false),
        (Bin::And, Sint | Uint) => (Op::BitwiseAnd, false),
        (Bin::InclusiveOr, Sint | Uint) => (Op::BitwiseOr, false),
        (Bin::ExclusiveOr, Sint | Uint) => (Op::BitwiseXor, false),
        (Bin::ShiftLeft, Sint | Uint) => (Op::ShiftLeftLogical, false),
        (Bin::ShiftRight, Uint) => (Op::ShiftRightLogical, false),
        (Bin::ShiftRight, Sint) => (Op::ShiftRightArithmetic, false),
        (Bin::And | Bin::LogicalAnd, Bool) => (Op::LogicalAnd, true),
        (Bin::InclusiveOr | Bin::LogicalOr, Bool) => (Op::LogicalOr, true),
        (Bin::Equal, Bool) => (Op::LogicalEqual, true),
        (Bin::NotEqual, Bool) => (Op::LogicalNotEqual, true),
        (Bin::Equal, Sint | Uint) => (Op::IEqual, true),
        (Bin::NotEqual, Sint | Uint) => (Op::INotEqual, true),
        (Bin::Less, Uint) => (Op::ULessThan, true),
        (Bin::Less, Sint) => (Op::SLessThan, true),
        (Bin::LessEqual, Uint) => (Op::ULessThanEqual, true),
        (Bin::LessEqual, Sint) => (Op::SLessThanEqual, true),
        (Bin::Greater, Uint) => (Op::UGreaterThan, true),
        (Bin::Greater, Sint) => (Op::SGreaterThan, true),
        (Bin::GreaterEqual, Uint) => (Op::UGreaterThanEqual, true),
        (Bin::GreaterEqual, Sint) => (Op::SGreaterThanEqual, true),
        _ => return None,
    })
}

/// The words of each instruction, the first one with its length and opcode.
pub fn instructions(words: &[u32]) -> impl Iterator<Item = &[u32]> {
    let mut rest = words.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = (*rest.first()? >> 16) as usize;
        let (first, behind) = (rest.get(..length.max(1))?, rest.get(length.max(1)..)?);
        rest = behind;
        Some(first)
    })
}

pub fn is(instruction: &[u32], op: Op) -> bool {
    instruction[0] & 0xFFFF == op as u32
}

/// The value of each scalar constant of one word.
pub fn constants(words: &[u32]) -> impl Iterator<Item = u32> + '_ {
    instructions(words)
        .filter(|instruction| is(instruction, Op::Constant) && instruction.len() == 4)
        .map(|instruction| instruction[3])
}

fn emit(to: &mut Vec<u32>, op: Op, operands: &[u32]) {
    to.push((operands.len() as u32 + 1) << 16 | op as u32);
    to.extend_from_slice(operands);
}

/// A type that is written before all others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Simple {
    Bool,
    Int,
    Uint,
    Float,
}

fn simple(scalar: Scalar) -> Simple {
    match scalar.kind {
        ScalarKind::Bool => Simple::Bool,
        ScalarKind::Sint => Simple::Int,
        ScalarKind::Float => Simple::Float,
        _ => Simple::Uint,
    }
}

const SIMPLE: [(Simple, Op, &[u32]); 4] = [
    (Simple::Bool, Op::TypeBool, &[]),
    (Simple::Int, Op::TypeInt, &[32, 1]),
    (Simple::Uint, Op::TypeInt, &[32, 0]),
    (Simple::Float, Op::TypeFloat, &[32]),
];

fn simple_type(instruction: &[u32]) -> Option<Simple> {
    SIMPLE
        .iter()
        .find(|(_, op, operands)| is(instruction, *op) && instruction.get(2..) == Some(operands))
        .map(|&(simple, ..)| simple)
}

/// The module with a specialization constant for each mark of `plan`. None if it is no module.
pub fn specialize(words: &[u32], plan: &Overrides) -> Option<Vec<u32>> {
    let mut rewriter = Rewriter::new(words, plan)?;
    rewriter.define_marks();
    rewriter.define_sizes();
    rewriter.keep_the_rest();
    let Rewriter { bound, mut before, names, annotations, constants, behind, .. } = rewriter;
    before[3] = bound;
    Some([before, names, annotations, constants, behind].concat())
}

struct Rewriter<'a> {
    plan: &'a Overrides,
    words: &'a [u32],
    bound: u32,
    types: HashMap<Simple, u32>,
    /// Of constants that naga wrote, by type and word.
    written: HashMap<(u32, u32), u32>,
    entries: HashMap<String, u32>,
    vector: Option<u32>, // of three u32
    marks: Vec<u32>,     // ids
    specialized: HashSet<u32>,
    replaced: HashSet<u32>, // ids that are defined here
    literals: HashMap<(u32, u32), u32>,
    paths: Paths,
    lengths: HashSet<u32>,            // what overrides decide, as u32
    within: HashMap<(u32, u32), u32>, // indices by length and word
    // The module's parts, in their order: up to the names, those, up to the types, those that
    // are defined here, and the rest.
    before: Vec<u32>,
    names: Vec<u32>,
    annotations: Vec<u32>,
    constants: Vec<u32>,
    behind: Vec<u32>,
    modes: HashMap<u32, [u32; 3]>, // LocalSizeId by entry point
}

fn entry_name(instruction: &[u32]) -> String {
    let bytes: Vec<u8> = instruction[3..].iter().flat_map(|word| word.to_le_bytes()).collect();
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

impl<'a> Rewriter<'a> {
    fn new(words: &'a [u32], plan: &'a Overrides) -> Option<Self> {
        let mut rewriter = Rewriter {
            plan,
            words,
            bound: *words.get(3)?,
            types: HashMap::new(),
            written: HashMap::new(),
            entries: HashMap::new(),
            vector: None,
            marks: Vec::new(),
            specialized: HashSet::new(),
            replaced: HashSet::new(),
            literals: HashMap::new(),
            paths: Paths::new(words),
            lengths: HashSet::new(),
            within: HashMap::new(),
            before: words.get(..HEADER)?.to_vec(),
            names: Vec::new(),
            annotations: Vec::new(),
            constants: Vec::new(),
            behind: Vec::new(),
            modes: HashMap::new(),
        };
        for instruction in instructions(words) {
            if let Some(simple) = simple_type(instruction) {
                rewriter.types.insert(simple, instruction[1]);
            } else if is(instruction, Op::Constant) && instruction.len() == 4 {
                rewriter.written.insert((instruction[1], instruction[3]), instruction[2]);
            } else if is(instruction, Op::EntryPoint) {
                rewriter.entries.insert(entry_name(instruction), instruction[2]);
            } else if is(instruction, Op::TypeVector)
                && instruction[3] == 3
                && rewriter.types.get(&Simple::Uint) == Some(&instruction[2])
            {
                rewriter.vector = Some(instruction[1]);
            }
        }
        for (simple, op, operands) in SIMPLE {
            let id = match rewriter.types.get(&simple) {
                Some(&id) => id,
                None if simple == Simple::Float => continue,
                None => rewriter.fresh(),
            };
            rewriter.types.insert(simple, id);
            rewriter.replaced.insert(id);
            emit(&mut rewriter.constants, op, &[&[id], operands].concat());
        }
        Some(rewriter)
    }

    fn fresh(&mut self) -> u32 {
        self.bound += 1;
        self.bound - 1
    }

    fn type_of(&self, scalar: Scalar) -> u32 {
        self.types[&simple(scalar)]
    }

    fn literal(&mut self, scalar: Scalar, bits: u64) -> u32 {
        let (ty, word) = (self.type_of(scalar), bits as u32);
        if let Some(&known) = self.literals.get(&(ty, word)) {
            return known;
        }
        let id = self.fresh();
        match (scalar.kind, word) {
            (ScalarKind::Bool, 0) => emit(&mut self.constants, Op::ConstantFalse, &[ty, id]),
            (ScalarKind::Bool, _) => emit(&mut self.constants, Op::ConstantTrue, &[ty, id]),
            _ => emit(&mut self.constants, Op::Constant, &[ty, id, word]),
        }
        self.literals.insert((ty, word), id);
        id
    }

    fn operand(&mut self, operand: Operand) -> u32 {
        match operand {
            Operand::Mark(mark) => self.marks[mark],
            Operand::Bits(scalar, bits) => self.literal(scalar, bits),
        }
    }

    /// The id that naga gave to a mark's number as a constant of this type.
    fn take(&mut self, ty: u32, word: u32) -> Option<u32> {
        let id = *self.written.get(&(ty, word))?;
        self.replaced.insert(id);
        Some(id)
    }

    fn define_marks(&mut self) {
        let uint = self.types[&Simple::Uint];
        for mark in &self.plan.marks {
            let ty = self.type_of(mark.scalar);
            // A bool was marked by a number.
            let marked_as = if mark.scalar.kind == ScalarKind::Bool { uint } else { ty };
            let id = match self.take(marked_as, Overrides::word(mark)) {
                Some(id) => id,
                None => self.fresh(),
            };
            self.marks.push(id);
            self.define(mark, ty, id);
            self.define_derived(mark, uint, id);
        }
    }

    fn define(&mut self, mark: &Mark, ty: u32, id: u32) {
        match &mark.definition {
            Definition::Fixed(bits) => match (mark.scalar.kind, *bits as u32) {
                (ScalarKind::Bool, 0) => emit(&mut self.constants, Op::ConstantFalse, &[ty, id]),
                (ScalarKind::Bool, _) => emit(&mut self.constants, Op::ConstantTrue, &[ty, id]),
                (_, word) => emit(&mut self.constants, Op::Constant, &[ty, id, word]),
            },
            Definition::Specialized { id: spec_id, default } => {
                emit(&mut self.annotations, Op::Decorate, &[id, DECORATION_SPEC_ID, *spec_id]);
                self.name(id, &mark.name);
                self.specialized.insert(id);
                let constants = &mut self.constants;
                match (mark.scalar.kind, *default as u32) {
                    (ScalarKind::Bool, 0) => emit(constants, Op::SpecConstantFalse, &[ty, id]),
                    (ScalarKind::Bool, _) => emit(constants, Op::SpecConstantTrue, &[ty, id]),
                    (_, word) => emit(constants, Op::SpecConstant, &[ty, id, word]),
                }
            }
            Definition::Operation(op, operands) => {
                let operands: Vec<u32> = operands.iter().map(|of| self.operand(*of)).collect();
                self.operation(ty, id, *op, &operands);
            }
        }
    }

    fn operation(&mut self, ty: u32, id: u32, op: Op, operands: &[u32]) {
        self.specialized.insert(id);
        emit(&mut self.constants, Op::SpecConstantOp, &[&[ty, id, op as u32], operands].concat());
    }

    /// naga writes the length of an array as a u32, and the last index as one less.
    fn define_derived(&mut self, mark: &Mark, uint: u32, id: u32) {
        let (zero, one) = (Operand::Bits(mark.scalar, 0), Operand::Bits(mark.scalar, 1));
        match mark.scalar.kind {
            ScalarKind::Sint => {
                if let Some(length) = self.take(uint, mark.number) {
                    let operands = [id, self.operand(zero)];
                    self.operation(uint, length, Op::IAdd, &operands);
                    self.lengths.insert(length);
                }
            }
            ScalarKind::Uint => {
                self.lengths.insert(id);
            }
            _ => return,
        }
        if let Some(last) = self.take(uint, mark.number - 1) {
            let operands = [id, self.operand(one)];
            self.operation(uint, last, Op::ISub, &operands);
        }
    }

    fn name(&mut self, id: u32, name: &str) {
        let mut words = vec![id];
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize((bytes.len() / 4 + 1) * 4, 0);
        words.extend(
            bytes
                .chunks_exact(4)
                .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])),
        );
        emit(&mut self.names, Op::Name, &words);
    }

    /// WorkgroupSize is for all entry points of a module, LocalSizeId for one, but not every
    /// device takes it.
    fn define_sizes(&mut self) {
        let uint = self.types[&Simple::Uint];
        for (name, sizes) in &self.plan.sizes {
            let ids = sizes.map(|size| {
                let id = self.operand(size);
                match size {
                    Operand::Mark(mark)
                        if self.plan.marks[mark].scalar.kind == ScalarKind::Sint =>
                    {
                        let zero = self.literal(Scalar::I32, 0);
                        let same = self.fresh();
                        self.operation(uint, same, Op::IAdd, &[id, zero]);
                        same
                    }
                    Operand::Bits(_, bits) => self.literal(Scalar::U32, bits),
                    Operand::Mark(_) => id,
                }
            });
            if self.entries.len() > 1 {
                self.modes.extend(self.entries.get(name).map(|&entry| (entry, ids)));
                continue;
            }
            let vector = match self.vector {
                Some(vector) => vector,
                None => self.fresh(),
            };
            self.replaced.insert(vector);
            emit(&mut self.constants, Op::TypeVector, &[vector, uint, 3]);
            let size = self.fresh();
            let built_in = [size, DECORATION_BUILT_IN, BUILT_IN_WORKGROUP_SIZE];
            emit(&mut self.annotations, Op::Decorate, &built_in);
            let op = if ids.iter().any(|id| self.specialized.contains(id)) {
                Op::SpecConstantComposite
            } else {
                Op::ConstantComposite
            };
            emit(&mut self.constants, op, &[vector, size, ids[0], ids[1], ids[2]]);
        }
    }

    /// The index, or the last one of an array that is shorter: as naga restricts what it does not
    /// know.
    fn index_within(&mut self, length: u32, word: u32) -> u32 {
        if let Some(&known) = self.within.get(&(length, word)) {
            return known;
        }
        let (uint, bool) = (self.types[&Simple::Uint], self.types[&Simple::Bool]);
        let (index, one) = (self.literal(Scalar::U32, word.into()), self.literal(Scalar::U32, 1));
        let (is_within, last, id) = (self.fresh(), self.fresh(), self.fresh());
        self.operation(bool, is_within, Op::ULessThan, &[index, length]);
        self.operation(uint, last, Op::ISub, &[length, one]);
        self.operation(uint, id, Op::Select, &[is_within, index, last]);
        self.within.insert((length, word), id);
        id
    }

    fn keep_chain(&mut self, chain: &[u32]) {
        let mut chain = chain.to_vec();
        for index in self.paths.of_chain(&chain) {
            // No array is empty.
            if index.word != 0 && self.lengths.contains(&index.length) {
                chain[index.at] = self.index_within(index.length, index.word);
            }
        }
        self.behind.extend_from_slice(&chain);
    }

    fn keep_the_rest(&mut self) {
        let is_annotation = |i: &[u32]| is(i, Op::Decorate) || is(i, Op::MemberDecorate);
        let is_defining =
            |i: &[u32]| (Op::TypeVoid as u32..=Op::Variable as u32).contains(&(i[0] & 0xFFFF));
        let mut part = 0; // before, annotations, behind
        for instruction in instructions(self.words) {
            if is_defining(instruction) {
                part = 2;
            } else if part == 0 && is_annotation(instruction) {
                part = 1;
            }
            match part {
                0 => self.keep_before(instruction),
                1 => self.annotations.extend_from_slice(instruction),
                _ => self.keep_behind(instruction),
            }
        }
    }

    fn keep_before(&mut self, instruction: &[u32]) {
        if is(instruction, Op::ExecutionMode) && instruction[2] == MODE_LOCAL_SIZE {
            if let Some(ids) = self.modes.get(&instruction[1]) {
                let operands = [instruction[1], MODE_LOCAL_SIZE_ID, ids[0], ids[1], ids[2]];
                emit(&mut self.before, Op::ExecutionModeId, &operands);
                return;
            }
        }
        self.before.extend_from_slice(instruction);
    }

    fn keep_behind(&mut self, instruction: &[u32]) {
        if is(instruction, Op::AccessChain) {
            return self.keep_chain(instruction);
        }
        let result = if is(instruction, Op::Constant) {
            instruction[2]
        } else {
            instruction[1 % instruction.len()]
        };
        let is_ours = simple_type(instruction).is_some()
            || is(instruction, Op::TypeVector)
            || is(instruction, Op::Constant);
        if is_ours && self.replaced.contains(&result) {
            return;
        }
        let start = self.behind.len();
        self.behind.extend_from_slice(instruction);
        let of_ours = |id: &u32| self.specialized.contains(id);
        if is(instruction, Op::ConstantComposite) && instruction[3..].iter().any(of_ours) {
            self.behind[start] = instruction[0] & 0xFFFF_0000 | Op::SpecConstantComposite as u32;
            self.specialized.insert(instruction[2]);
        }
    }
}
