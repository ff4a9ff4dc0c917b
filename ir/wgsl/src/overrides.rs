// SPDX-License-Identifier: MIT OR Apache-2.0
//! What overrides become. One with a plain default is a specialization constant; one that is
//! computed of others is an operation on specialization constants; lengths of arrays and
//! workgroup sizes are either.
//!
//! naga writes no specialization constants. So each of these values is marked by a number in the
//! module that naga writes, and spirv.rs puts the constant in the number's place.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;

use naga::{
    ArraySize, BinaryOperator as Bin, Constant, Expression, Handle, Literal, MathFunction, Module,
    Scalar, ScalarKind, Span, TypeInner, UnaryOperator,
};

use crate::abi::CAPABILITY_DENIED;
use crate::functions;
use crate::source::Failure;
use crate::spirv;
use crate::translate::failure_of_span;

/// Bits by override.
pub type Values = HashMap<Handle<naga::Override>, u64>;

#[derive(Clone, Debug)]
pub struct Override {
    pub handle: Handle<naga::Override>,
    pub name: String,
    pub scalar: Scalar,
    /// Of its specialization constant; None if it is computed of others.
    pub id: Option<u32>,
    /// What naga knows it by.
    pub key: Option<String>,
    /// Bits of the default, where it has an id.
    pub default: u64,
}

pub fn scalar_name(scalar: Scalar) -> String {
    let letter = match scalar.kind {
        ScalarKind::Sint => 'i',
        ScalarKind::Uint => 'u',
        ScalarKind::Bool => return "bool".to_string(),
        _ => 'f',
    };
    format!("{letter}{}", scalar.width * 8)
}

/// As naga takes values.
pub fn number(scalar: Scalar, bits: u64) -> f64 {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Sint, 4) => f64::from(bits as u32 as i32),
        (ScalarKind::Sint, _) => bits as i64 as f64,
        (ScalarKind::Uint, 4) => f64::from(bits as u32),
        (ScalarKind::Uint, _) => bits as f64,
        (ScalarKind::Bool, _) => f64::from(u8::from(bits as u32 != 0)),
        (_, 4) => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

fn bits_of(literal: Literal) -> Option<u64> {
    Some(match literal {
        Literal::F64(value) => value.to_bits(),
        Literal::F32(value) => u64::from(value.to_bits()),
        Literal::F16(value) => u64::from(value.to_bits()),
        Literal::U32(value) => u64::from(value),
        Literal::I32(value) => u64::from(value as u32),
        Literal::U64(value) => value,
        Literal::I64(value) => value as u64,
        Literal::Bool(value) => u64::from(value),
        Literal::AbstractInt(_) | Literal::AbstractFloat(_) => return None,
    })
}

/// The bits of an expression that depends on no override.
fn constant_bits(module: &Module, expression: Handle<Expression>) -> Option<u64> {
    match module.global_expressions[expression] {
        Expression::Literal(literal) => bits_of(literal),
        Expression::Constant(constant) => constant_bits(module, module.constants[constant].init),
        Expression::ZeroValue(_) => Some(0),
        _ => None,
    }
}

/// For each global expression, whether it depends on an override.
fn dependent(module: &Module) -> Vec<bool> {
    let mut depends: Vec<bool> = Vec::with_capacity(module.global_expressions.len());
    for (_, expression) in module.global_expressions.iter() {
        let of = |handle: &Handle<Expression>| depends[handle.index()];
        let found = match *expression {
            Expression::Override(_) => true,
            Expression::Compose { ref components, .. } => components.iter().any(of),
            Expression::Access { ref base, ref index } => of(base) || of(index),
            Expression::AccessIndex { ref base, .. } => of(base),
            Expression::Splat { ref value, .. } => of(value),
            Expression::Swizzle { ref vector, .. } => of(vector),
            Expression::Unary { ref expr, .. } | Expression::As { ref expr, .. } => of(expr),
            Expression::Binary { ref left, ref right, .. } => of(left) || of(right),
            Expression::Select { ref condition, ref accept, ref reject } => {
                of(condition) || of(accept) || of(reject)
            }
            Expression::Relational { ref argument, .. } => of(argument),
            Expression::Math { ref arg, ref arg1, ref arg2, ref arg3, .. } => {
                of(arg) || [arg1, arg2, arg3].into_iter().flatten().any(of)
            }
            _ => false,
        };
        depends.push(found);
    }
    depends
}

fn scalar_of(module: &Module, ty: Handle<naga::Type>) -> Option<Scalar> {
    match module.types[ty].inner {
        TypeInner::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

/// All of them, with the ids of their specialization constants: those that the text gives, and
/// for the others the smallest that are free, in their order.
pub fn list(module: &Module, text: &str) -> Result<Vec<Override>, Failure> {
    let depends = dependent(module);
    let refuse = |handle, what: &str| {
        Err(failure_of_span(CAPABILITY_DENIED, text, module.overrides.get_span(handle), what))
    };
    let mut all: Vec<Override> = Vec::new();
    for (handle, of) in module.overrides.iter() {
        let name = of.name.clone().unwrap_or_default();
        let scalar = scalar_of(module, of.ty).unwrap_or(Scalar::U32);
        let known = matches!(
            (scalar.kind, scalar.width),
            (ScalarKind::Bool, _) | (ScalarKind::Sint | ScalarKind::Uint | ScalarKind::Float, 4)
        );
        if !known {
            let ty = scalar_name(scalar);
            return refuse(
                handle,
                &format!("override '{name}' is of type {ty}; it can be bool, i32, u32 or f32"),
            );
        }
        let Some(init) = of.init else {
            return refuse(handle, &format!("override '{name}' has no default; SPIR-V wants one"));
        };
        let key = of.id.map(|id| id.to_string()).or_else(|| of.name.clone());
        let mut listed = Override { handle, name, scalar, id: None, key, default: 0 };
        if !depends[init.index()] {
            let Some(bits) = constant_bits(module, init) else {
                return refuse(handle, &format!("the default of '{}' is no number", listed.name));
            };
            listed.default = bits;
            listed.id = Some(of.id.map_or(u32::MAX, u32::from));
        } else if of.id.is_some() {
            return refuse(
                handle,
                &format!(
                "override '{}' has an @id and is computed of other overrides; SPIR-V has one or \
                 the other: leave the @id away, or write a number",
                listed.name
            ),
            );
        }
        all.push(listed);
    }
    let taken: HashSet<u32> = all.iter().filter_map(|of| of.id).collect();
    let mut free = (0..).filter(|id| !taken.contains(id));
    for of in all.iter_mut().filter(|of| of.id == Some(u32::MAX)) {
        of.id = free.next();
    }
    Ok(all)
}

/// An operand of an operation on specialization constants.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    Mark(usize),
    Bits(Scalar, u64),
}

#[derive(Clone, Debug)]
pub enum Definition {
    Specialized { id: u32, default: u64 },
    Fixed(u64),
    Operation(spirv::Op, Vec<Operand>),
}

/// One value that takes the place of a number.
#[derive(Clone, Debug)]
pub struct Mark {
    pub name: String,
    pub scalar: Scalar,
    pub number: u32,
    pub definition: Definition,
}

#[derive(Default)]
pub struct Overrides {
    /// Each after what it is computed of.
    pub marks: Vec<Mark>,
    /// For each entry point with a workgroup size that is not a plain number: its name and size.
    pub sizes: Vec<(String, [Operand; 3])>,
    bools: Vec<(Handle<Expression>, u32)>,
}

impl Overrides {
    /// The word of the constant that stands for a mark.
    pub fn word(mark: &Mark) -> u32 {
        match (mark.scalar.kind, mark.scalar.width) {
            (ScalarKind::Float, 4) => 0x3C00_0000 | mark.number,
            _ => mark.number,
        }
    }

    /// A bool has two values, so a number takes its place, which no validator would let pass.
    pub fn mark_bools(&self, module: &mut Module) {
        for &(handle, number) in &self.bools {
            module.global_expressions[handle] = Expression::Literal(Literal::U32(number));
        }
    }

    /// Whether a number of ours is a constant there.
    pub fn occurs_in(&self, words: &[u32]) -> bool {
        let ours = |word: u32| {
            self.marks.iter().any(|mark| {
                let of = Self::word(mark);
                word == of || word.wrapping_add(1) == of
            })
        };
        spirv::constants(words).any(ours)
    }
}

/// The module without overrides, and what its numbers stand for.
pub fn mark(
    module: &Module,
    listed: &[Override],
    values: &Values,
    base: u32,
    text: &str,
) -> Result<(Overrides, Module), Failure> {
    let mut module = module.clone();
    functions::assign_initial_values(&mut module).map_err(|span| {
        let what = "this initial value depends on overrides in a way that is not known here; \
                    assign it behind the declaration";
        failure_of_span(CAPABILITY_DENIED, text, span, what)
    })?;
    let mut marker = Marker {
        depends: dependent(&module),
        module,
        listed,
        values,
        text,
        base,
        plan: Overrides::default(),
        of_expression: HashMap::new(),
        of_override: BTreeMap::new(),
    };
    marker.run()?;
    Ok((marker.plan, marker.module))
}

struct Marker<'a> {
    depends: Vec<bool>,
    module: Module,
    listed: &'a [Override],
    values: &'a Values,
    text: &'a str,
    base: u32,
    plan: Overrides,
    of_expression: HashMap<Handle<Expression>, Operand>,
    of_override: BTreeMap<Handle<naga::Override>, Operand>,
}

impl Marker<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        for of in self.listed {
            self.operand_of_override(of.handle)?;
        }
        let handles: Vec<_> =
            self.module.global_expressions.iter().map(|(handle, _)| handle).collect();
        for &handle in &handles {
            // Vectors stay what they are, of other constants.
            let kept = matches!(
                self.module.global_expressions[handle],
                Expression::Compose { .. } | Expression::Splat { .. }
            );
            if self.depends[handle.index()] && !kept {
                self.operand(handle)?;
            }
        }
        self.replace_sizes()?;
        let of_override = std::mem::take(&mut self.of_override);
        let mut constants = functions::Constants::new();
        for (&handle, &operand) in &of_override {
            constants.insert(handle, self.constant(handle, operand));
        }
        for handle in handles {
            if let Some(&operand) = self.of_expression.get(&handle) {
                self.module.global_expressions[handle] = self.literal(operand);
                self.note_bool(handle, operand);
            }
        }
        functions::replace_overrides(&mut self.module, &constants);
        self.module.overrides = naga::Arena::new();
        Ok(())
    }

    /// The lengths of arrays, and sizes of workgroups.
    fn replace_sizes(&mut self) -> Result<(), Failure> {
        let types: Vec<_> =
            self.module.types.iter().map(|(handle, ty)| (handle, ty.clone())).collect();
        for (handle, mut ty) in types {
            let TypeInner::Array { ref mut size, .. } = ty.inner else { continue };
            let ArraySize::Pending(of) = *size else { continue };
            let length = match self.operand_of_override(of)? {
                Operand::Mark(mark) => self.plan.marks[mark].number,
                Operand::Bits(_, bits) => bits as u32,
            };
            *size = ArraySize::Constant(NonZeroU32::new(length).unwrap_or(NonZeroU32::MIN));
            self.module.types.replace(handle, ty);
        }
        for i in 0..self.module.entry_points.len() {
            let entry = &mut self.module.entry_points[i];
            let Some(open) = entry.workgroup_size_overrides.take() else { continue };
            let (name, plain) = (entry.name.clone(), entry.workgroup_size);
            let mut sizes = plain.map(|size| Operand::Bits(Scalar::U32, u64::from(size)));
            for (size, open) in sizes.iter_mut().zip(open) {
                let Some(open) = open else { continue };
                *size = self.operand(open)?;
            }
            for (size, open) in self.module.entry_points[i].workgroup_size.iter_mut().zip(open) {
                *size = if open.is_some() { 1 } else { *size };
            }
            self.plan.sizes.push((name, sizes));
        }
        Ok(())
    }

    fn constant(
        &mut self,
        of: Handle<naga::Override>,
        operand: Operand,
    ) -> (Handle<Constant>, Handle<naga::Type>) {
        let (ty, span) = (self.module.overrides[of].ty, self.module.overrides.get_span(of));
        let literal = self.literal(operand);
        let init = self.module.global_expressions.append(literal, span);
        self.note_bool(init, operand);
        (self.module.constants.append(Constant { name: None, ty, init }, span), ty)
    }

    fn note_bool(&mut self, handle: Handle<Expression>, operand: Operand) {
        if let Operand::Mark(mark) = operand {
            let mark = &self.plan.marks[mark];
            if mark.scalar.kind == ScalarKind::Bool {
                self.plan.bools.push((handle, mark.number));
            }
        }
    }

    fn literal(&self, operand: Operand) -> Expression {
        let (scalar, bits) = match operand {
            Operand::Bits(scalar, bits) => (scalar, bits),
            Operand::Mark(mark) => {
                let mark = &self.plan.marks[mark];
                (mark.scalar, u64::from(Overrides::word(mark)))
            }
        };
        Expression::Literal(match (scalar.kind, scalar.width) {
            (ScalarKind::Bool, _) => Literal::Bool(bits != 0),
            (ScalarKind::Sint, 4) => Literal::I32(bits as u32 as i32),
            (ScalarKind::Float, 4) => Literal::F32(f32::from_bits(bits as u32)),
            _ => Literal::U32(bits as u32),
        })
    }

    fn refuse<T>(&self, span: Span, what: &str) -> Result<T, Failure> {
        Err(failure_of_span(CAPABILITY_DENIED, self.text, span, what))
    }

    fn add(&mut self, name: &str, scalar: Scalar, definition: Definition) -> Operand {
        let at = self.plan.marks.len();
        // The one before it is for naga, which counts from the end of arrays.
        let number = self.base + 2 * at as u32 + 1;
        self.plan.marks.push(Mark { name: name.to_string(), scalar, number, definition });
        Operand::Mark(at)
    }

    fn operand_of_override(&mut self, handle: Handle<naga::Override>) -> Result<Operand, Failure> {
        if let Some(&known) = self.of_override.get(&handle) {
            return Ok(known);
        }
        let span = self.module.overrides.get_span(handle);
        let Some(of) = self.listed.iter().find(|of| of.handle == handle) else {
            return self.refuse(span, "this override is not known");
        };
        let operand = match (of.id, self.values.get(&handle)) {
            (Some(_), Some(&bits)) => self.add(&of.name, of.scalar, Definition::Fixed(bits)),
            (Some(id), None) => {
                let definition = Definition::Specialized { id, default: of.default };
                self.add(&of.name, of.scalar, definition)
            }
            (None, _) => match self.module.overrides[handle].init {
                Some(init) => self.operand(init)?,
                None => return self.refuse(span, "this override has no default"),
            },
        };
        self.of_override.insert(handle, operand);
        Ok(operand)
    }

    fn operand(&mut self, handle: Handle<Expression>) -> Result<Operand, Failure> {
        if let Some(&known) = self.of_expression.get(&handle) {
            return Ok(known);
        }
        if !self.depends[handle.index()] {
            return self.plain(handle);
        }
        let operand = match self.module.global_expressions[handle].clone() {
            Expression::Override(of) => self.operand_of_override(of)?,
            Expression::Unary { op, expr } => self.unary(handle, op, expr)?,
            Expression::Binary { op, left, right } => self.binary(handle, op, left, right)?,
            Expression::As { expr, kind, convert: Some(4 | 1) } => {
                self.convert(handle, expr, kind)?
            }
            Expression::Select { condition, accept, reject } => {
                let condition = self.operand(condition)?;
                let (accept, reject) = (self.operand(accept)?, self.operand(reject)?);
                let scalar = self.scalar(accept);
                self.operation(spirv::Op::Select, scalar, &[condition, accept, reject])
            }
            Expression::Math { fun, arg, arg1: Some(arg1), arg2: None, .. } => {
                self.min_max(handle, fun, arg, arg1)?
            }
            _ => return self.beyond(handle),
        };
        self.of_expression.insert(handle, operand);
        Ok(operand)
    }

    fn plain(&self, handle: Handle<Expression>) -> Result<Operand, Failure> {
        let scalar = match self.module.global_expressions[handle] {
            Expression::Literal(literal) => Some(literal.scalar()),
            Expression::Constant(constant) => {
                scalar_of(&self.module, self.module.constants[constant].ty)
            }
            Expression::ZeroValue(ty) => scalar_of(&self.module, ty),
            _ => None,
        };
        match (scalar, constant_bits(&self.module, handle)) {
            (Some(scalar), Some(bits)) => Ok(Operand::Bits(scalar, bits)),
            _ => self.beyond(handle),
        }
    }

    fn beyond<T>(&self, handle: Handle<Expression>) -> Result<T, Failure> {
        let span = self.module.global_expressions.get_span(handle);
        self.refuse(
            span,
            "SPIR-V cannot compute this of overrides before a launch; it can compute scalars of \
             i32, u32 and bool: compute it in the function",
        )
    }

    fn scalar(&self, operand: Operand) -> Scalar {
        match operand {
            Operand::Mark(mark) => self.plan.marks[mark].scalar,
            Operand::Bits(scalar, _) => scalar,
        }
    }

    fn operation(&mut self, op: spirv::Op, scalar: Scalar, operands: &[Operand]) -> Operand {
        self.add("", scalar, Definition::Operation(op, operands.to_vec()))
    }

    fn unary(
        &mut self,
        handle: Handle<Expression>,
        op: UnaryOperator,
        of: Handle<Expression>,
    ) -> Result<Operand, Failure> {
        let of = self.operand(of)?;
        let scalar = self.scalar(of);
        let op = match (op, scalar.kind) {
            (UnaryOperator::Negate, ScalarKind::Sint) => spirv::Op::SNegate,
            (UnaryOperator::LogicalNot, ScalarKind::Bool) => spirv::Op::LogicalNot,
            (UnaryOperator::BitwiseNot, ScalarKind::Sint | ScalarKind::Uint) => spirv::Op::Not,
            _ => return self.beyond(handle),
        };
        Ok(self.operation(op, scalar, &[of]))
    }

    fn binary(
        &mut self,
        handle: Handle<Expression>,
        op: Bin,
        left: Handle<Expression>,
        right: Handle<Expression>,
    ) -> Result<Operand, Failure> {
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        let scalar = self.scalar(left);
        let Some((op, is_bool)) = spirv::binary(op, scalar.kind) else {
            return self.beyond(handle);
        };
        Ok(self.operation(op, if is_bool { Scalar::BOOL } else { scalar }, &[left, right]))
    }

    fn convert(
        &mut self,
        handle: Handle<Expression>,
        from: Handle<Expression>,
        kind: ScalarKind,
    ) -> Result<Operand, Failure> {
        let from = self.operand(from)?;
        let is = self.scalar(from);
        let int = |kind| matches!(kind, ScalarKind::Sint | ScalarKind::Uint);
        let to = Scalar { kind, width: if kind == ScalarKind::Bool { 1 } else { 4 } };
        if is.kind == kind {
            return Ok(from);
        }
        if int(is.kind) && int(kind) {
            // The same bits in the other type.
            return Ok(self.operation(spirv::Op::IAdd, to, &[from, Operand::Bits(is, 0)]));
        }
        if int(is.kind) && kind == ScalarKind::Bool {
            return Ok(self.operation(spirv::Op::INotEqual, to, &[from, Operand::Bits(is, 0)]));
        }
        if is.kind == ScalarKind::Bool && int(kind) {
            let ones = [from, Operand::Bits(to, 1), Operand::Bits(to, 0)];
            return Ok(self.operation(spirv::Op::Select, to, &ones));
        }
        self.beyond(handle)
    }

    fn min_max(
        &mut self,
        handle: Handle<Expression>,
        fun: MathFunction,
        left: Handle<Expression>,
        right: Handle<Expression>,
    ) -> Result<Operand, Failure> {
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        let scalar = self.scalar(left);
        let order = match fun {
            MathFunction::Min => Bin::Less,
            MathFunction::Max => Bin::Greater,
            _ => return self.beyond(handle),
        };
        match spirv::binary(order, scalar.kind) {
            Some((op, true)) => {
                let first = self.operation(op, Scalar::BOOL, &[left, right]);
                Ok(self.operation(spirv::Op::Select, scalar, &[first, left, right]))
            }
            _ => self.beyond(handle),
        }
    }
}
