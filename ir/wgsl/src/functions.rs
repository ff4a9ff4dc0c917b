// SPDX-License-Identifier: MIT OR Apache-2.0
//! Overrides in the bodies of functions: each becomes a call of a function that returns a constant.
//! A constant in its place would be judged with the number that stands in for it: as an index, as
//! a distance to shift.

use std::collections::{BTreeMap, HashMap};

use naga::{
    Arena, Block, Constant, Expression, Function, FunctionResult, Handle, Module, Span, Statement,
    Type,
};

type Of = Handle<naga::Override>;

/// Makes initial values of variables that depend on overrides assignments at the start of their
/// functions: initial values are constants, and naga gives them only to variables outside of loops.
pub fn assign_initial_values(module: &mut Module) -> Result<(), Span> {
    for (_, function) in module.functions.iter_mut() {
        assign(function)?;
    }
    module.entry_points.iter_mut().try_for_each(|entry| assign(&mut entry.function))
}

fn assign(function: &mut Function) -> Result<(), Span> {
    let depends = dependent(function);
    let variables: Vec<_> = function
        .local_variables
        .iter_mut()
        .filter(|(_, variable)| variable.init.is_some_and(|init| depends[init.index()]))
        .filter_map(|(handle, variable)| Some((handle, variable.init.take()?)))
        .collect();
    if variables.is_empty() {
        return Ok(());
    }
    let mut pointers = Vec::new();
    for &(handle, _) in &variables {
        let span = function.local_variables.get_span(handle);
        pointers.push(function.expressions.append(Expression::LocalVariable(handle), span));
    }
    let (mut start, first) = (Block::new(), function.expressions.len());
    let (mut stores, mut copies) = (Block::new(), Copies::new());
    for (&(handle, init), &pointer) in variables.iter().zip(&pointers) {
        let span = function.local_variables.get_span(handle);
        let value = copy(function, init, &mut copies).ok_or(span)?;
        stores.push(Statement::Store { pointer, value }, span);
    }
    start.push(Statement::Emit(function.expressions.range_from(first)), Span::default());
    start.extend_block(stores);
    start.extend_block(std::mem::take(&mut function.body));
    function.body = start;
    Ok(())
}

/// The operands of an expression that may be computed before a launch; None for another one.
fn operands(expression: &mut Expression) -> Option<Vec<&mut Handle<Expression>>> {
    Some(match expression {
        Expression::Literal(_)
        | Expression::Constant(_)
        | Expression::Override(_)
        | Expression::ZeroValue(_) => vec![],
        Expression::Compose { components, .. } => components.iter_mut().collect(),
        Expression::Splat { value, .. } => vec![value],
        Expression::Unary { expr, .. } | Expression::As { expr, .. } => vec![expr],
        Expression::Binary { left, right, .. } => vec![left, right],
        Expression::Select { condition, accept, reject } => vec![condition, accept, reject],
        Expression::Math { arg, arg1, arg2, arg3, .. } => {
            [Some(arg), arg1.as_mut(), arg2.as_mut(), arg3.as_mut()].into_iter().flatten().collect()
        }
        _ => return None,
    })
}

/// For each expression, whether it is an override or computed of one.
fn dependent(function: &Function) -> Vec<bool> {
    let mut depends: Vec<bool> = Vec::with_capacity(function.expressions.len());
    for (_, expression) in function.expressions.iter() {
        let mut expression = expression.clone();
        let is_override = matches!(expression, Expression::Override(_));
        let operands = operands(&mut expression).unwrap_or_default();
        depends.push(is_override || operands.into_iter().any(|of| depends[of.index()]));
    }
    depends
}

/// Each expression is copied once, however often it is an operand.
type Copies = HashMap<Handle<Expression>, Handle<Expression>>;

/// To the end of the function's expressions, where it is computed before everything else. What
/// needs no computing stays where it is.
fn copy(
    function: &mut Function,
    from: Handle<Expression>,
    copies: &mut Copies,
) -> Option<Handle<Expression>> {
    if let Some(&known) = copies.get(&from) {
        return Some(known);
    }
    let mut expression = function.expressions[from].clone();
    if expression.needs_pre_emit() {
        return Some(from);
    }
    for operand in operands(&mut expression)? {
        *operand = copy(function, *operand, copies)?;
    }
    let span = function.expressions.get_span(from);
    let to = function.expressions.append(expression, span);
    copies.insert(from, to);
    Some(to)
}

/// One constant with its type for each override.
pub type Constants = HashMap<Of, (Handle<Constant>, Handle<Type>)>;

/// Puts calls in the places of overrides.
pub fn replace_overrides(module: &mut Module, constants: &Constants) {
    let mut functions = Arena::new();
    let mut getters = BTreeMap::new();
    for (&of, &(constant, ty)) in constants.iter().collect::<BTreeMap<_, _>>() {
        getters.insert(of, functions.append(getter(constant, ty), Span::default()));
    }
    let mut moved = Vec::new();
    for (handle, mut function) in std::mem::take(&mut module.functions)
        .iter()
        .map(|(handle, function)| (handle, function.clone()))
        .collect::<Vec<_>>()
    {
        let span = Span::default();
        replace_in(&mut function, &getters, &moved);
        debug_assert_eq!(handle.index(), moved.len());
        moved.push(functions.append(function, span));
    }
    module.functions = functions;
    for entry in &mut module.entry_points {
        replace_in(&mut entry.function, &getters, &moved);
    }
}

fn getter(constant: Handle<Constant>, ty: Handle<Type>) -> Function {
    let mut function =
        Function { result: Some(FunctionResult { ty, binding: None }), ..Function::default() };
    let value = function.expressions.append(Expression::Constant(constant), Span::default());
    function.body.push(Statement::Return { value: Some(value) }, Span::default());
    function
}

fn replace_in(
    function: &mut Function,
    getters: &BTreeMap<Of, Handle<Function>>,
    moved: &[Handle<Function>],
) {
    let mut calls = Block::new();
    for (handle, expression) in function.expressions.iter_mut() {
        match *expression {
            Expression::Override(of) => {
                let getter = getters[&of];
                *expression = Expression::CallResult(getter);
                let call =
                    Statement::Call { function: getter, arguments: vec![], result: Some(handle) };
                calls.push(call, Span::default());
            }
            Expression::CallResult(ref mut of) => *of = moved[of.index()],
            _ => (),
        }
    }
    move_calls(&mut function.body, moved);
    calls.extend_block(std::mem::take(&mut function.body));
    function.body = calls;
}

fn move_calls(block: &mut Block, moved: &[Handle<Function>]) {
    for statement in block.iter_mut() {
        match statement {
            Statement::Call { function, .. } => *function = moved[function.index()],
            Statement::Block(block) => move_calls(block, moved),
            Statement::If { accept, reject, .. } => {
                move_calls(accept, moved);
                move_calls(reject, moved);
            }
            Statement::Switch { cases, .. } => {
                cases.iter_mut().for_each(|case| move_calls(&mut case.body, moved));
            }
            Statement::Loop { body, continuing, .. } => {
                move_calls(body, moved);
                move_calls(continuing, moved);
            }
            _ => (),
        }
    }
}
