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

/// Takes initial values of variables that depend on overrides out of their functions: they are
/// computed before a launch, like what stands outside of all functions. False for a function
/// with one that cannot be taken out; then the span is the variable's.
pub fn hoist_initial_values(module: &mut Module) -> Result<(), Span> {
    let mut functions = std::mem::take(&mut module.functions);
    for (_, function) in functions.iter_mut() {
        hoist(module, function)?;
    }
    module.functions = functions;
    let mut entries = std::mem::take(&mut module.entry_points);
    for entry in &mut entries {
        hoist(module, &mut entry.function)?;
    }
    module.entry_points = entries;
    Ok(())
}

fn hoist(module: &mut Module, function: &mut Function) -> Result<(), Span> {
    let variables: Vec<_> = function
        .local_variables
        .iter()
        .filter_map(|(handle, variable)| Some((handle, variable.init?, variable.ty)))
        .collect();
    let (depends, mut copies) = (dependent(function), Copies::new());
    for (handle, init, ty) in variables {
        if !depends[init.index()] {
            continue;
        }
        let span = function.local_variables.get_span(handle);
        let init = copy(module, function, init, &mut copies).ok_or(span)?;
        let constant = module.constants.append(Constant { name: None, ty, init }, span);
        let expression = function.expressions.append(Expression::Constant(constant), span);
        function.local_variables[handle].init = Some(expression);
    }
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

fn copy(
    module: &mut Module,
    function: &Function,
    from: Handle<Expression>,
    copies: &mut Copies,
) -> Option<Handle<Expression>> {
    if let Some(&known) = copies.get(&from) {
        return Some(known);
    }
    let mut expression = function.expressions[from].clone();
    for operand in operands(&mut expression)? {
        *operand = copy(module, function, *operand, copies)?;
    }
    let to = module.global_expressions.append(expression, function.expressions.get_span(from));
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
