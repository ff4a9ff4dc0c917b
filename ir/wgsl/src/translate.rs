// SPDX-License-Identifier: MIT OR Apache-2.0
//! WGSL to a naga module that is valid and has compute entry points, and from that to SPIR-V.

use std::error::Error;

use naga::back::{pipeline_constants::process_overrides, spv, PipelineConstants};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{
    Capabilities, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationError, ValidationFlags,
    Validator,
};
use naga::{ArraySize, Module, ShaderStage, Span, TypeInner, WithSpan};

use crate::abi::{SpecValue, INVALID_INPUT, INVALID_IR};
use crate::overrides::{self, Override, Overrides, Values};
use crate::source::{checked, failure_at, Failure};
use crate::spirv;

pub struct Wgsl<'a> {
    pub text: &'a str,
    pub module: Module,
    pub info: ModuleInfo,
    pub overrides: Vec<Override>,
}

/// What a compute kernel of a substrate may use. Each is a capability in the SPIR-V that comes
/// out, which substrates judge.
fn validator() -> Validator {
    let capabilities = Capabilities::IMMEDIATES
        | Capabilities::FLOAT64
        | Capabilities::SHADER_INT64
        | Capabilities::SHADER_INT64_ATOMIC_MIN_MAX
        | Capabilities::SHADER_INT64_ATOMIC_ALL_OPS
        | Capabilities::SHADER_FLOAT16
        | Capabilities::SHADER_FLOAT16_IN_FLOAT32
        | Capabilities::SUBGROUP
        | Capabilities::SUBGROUP_BARRIER;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.subgroup_stages(ShaderStages::COMPUTE);
    validator.subgroup_operations(SubgroupOperationSet::all());
    validator
}

/// An error and its reasons, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(next) = reason {
        text = format!("{text}: {next}");
        reason = next.source();
    }
    text
}

pub fn failure_of_span(code: i32, text: &str, span: Span, what: &str) -> Failure {
    failure_at(code, text.as_bytes(), span.to_range().map_or(0, |range| range.start), what)
}

/// Of all places that an error names, the one in the innermost part.
fn invalid(text: &str, error: &WithSpan<ValidationError>) -> Failure {
    let span = error.spans().map(|(span, _)| *span).filter(Span::is_defined).last();
    failure_of_span(INVALID_IR, text, span.unwrap_or_default(), &chain(error.as_inner()))
}

fn parse(text: &str) -> Result<Module, Failure> {
    naga::front::wgsl::parse_str(text).map_err(|error| {
        let mut what = error.message().to_string();
        let mut at = None;
        for (span, label) in error.labels() {
            if at.is_none() {
                at = Some(span);
            }
            if !what.contains(label) {
                what = format!("{what}; {label}");
            }
        }
        let start = at.and_then(|span| span.to_range()).map_or(0, |range| range.start);
        if text.as_bytes().get(start) == Some(&b'#') {
            what += "; lines that begin with it are for a preprocessor, which WGSL does not have: \
                     run it first";
        }
        failure_of_span(INVALID_IR, text, at.unwrap_or_default(), &what)
    })
}

pub fn read(bytes: &[u8]) -> Result<Wgsl<'_>, Failure> {
    let text = checked(bytes)?;
    let mut module = parse(text)?;
    module.entry_points.retain(|entry| entry.stage == ShaderStage::Compute);
    if module.entry_points.is_empty() {
        let what = "there is no compute entry point; @compute @workgroup_size(64) before a \
                    function makes it one";
        return Err(failure_at(INVALID_IR, text.as_bytes(), text.trim_end().len(), what));
    }
    let info = validator().validate(&module).map_err(|error| invalid(text, &error))?;
    let overrides = overrides::list(&module, text)?;
    Ok(Wgsl { text, module, info, overrides })
}

impl Wgsl<'_> {
    /// What the caller gives for overrides. Ids that are none are ignored.
    pub fn values(&self, given: &[SpecValue]) -> Result<Values, Failure> {
        let mut values = Values::default();
        for value in given {
            let Some(of) = self.overrides.iter().find(|of| of.id == Some(value.id)) else {
                continue;
            };
            let size = if of.scalar.kind == naga::ScalarKind::Bool { 4 } else { of.scalar.width };
            if u32::from(size) != value.size {
                let sentence = format!(
                    "the value for specialization constant {} has {} bytes, its type {} takes {size}",
                    value.id,
                    value.size,
                    overrides::scalar_name(of.scalar)
                );
                return Err(Failure { code: INVALID_INPUT, sentence });
            }
            values.insert(of.handle, value.value);
        }
        Ok(values)
    }

    /// The module with every override a constant, as a launch with these values has it.
    pub fn resolved(&self, values: &Values) -> Result<(Module, ModuleInfo), Failure> {
        if self.module.overrides.is_empty() {
            return Ok((self.module.clone(), self.info.clone()));
        }
        let mut constants = PipelineConstants::default();
        for of in &self.overrides {
            if let (Some(&bits), Some(key)) = (values.get(&of.handle), &of.key) {
                constants.insert(key.clone(), overrides::number(of.scalar, bits));
            }
        }
        match process_overrides(&self.module, &self.info, None, &constants) {
            Ok((module, info)) => Ok((module.into_owned(), info.into_owned())),
            // Not the caller's values, but the module's own: shown as 1.
            Err(_) if values.is_empty() => self.with_ones(),
            Err(error) => {
                let what = format!("these values for overrides cannot be: {}", chain(&error));
                Err(failure_at(INVALID_INPUT, self.text.as_bytes(), 0, &what))
            }
        }
    }

    fn with_ones(&self) -> Result<(Module, ModuleInfo), Failure> {
        let mut module = self.module.clone();
        let one = std::num::NonZeroU32::MIN;
        let open: Vec<_> = module.types.iter().map(|(handle, ty)| (handle, ty.clone())).collect();
        for (handle, mut ty) in open {
            if let TypeInner::Array { ref mut size, .. } = ty.inner {
                if matches!(size, ArraySize::Pending(_)) {
                    *size = ArraySize::Constant(one);
                    module.types.replace(handle, ty);
                }
            }
        }
        for entry in &mut module.entry_points {
            let open = entry.workgroup_size_overrides.take().unwrap_or_default();
            for (size, open) in entry.workgroup_size.iter_mut().zip(open) {
                *size = if open.is_some() { 1 } else { *size };
            }
        }
        Ok((module, self.info.clone()))
    }

    /// SPIR-V in which overrides without a value are specialization constants.
    pub fn spirv(&self, values: &Values, local_size: Option<[u32; 3]>) -> Result<Vec<u8>, Failure> {
        let mut module = self.module.clone();
        if let Some(size) = local_size {
            for entry in &mut module.entry_points {
                entry.workgroup_size = size;
                entry.workgroup_size_overrides = None;
            }
        }
        if module.overrides.is_empty() {
            let words = self.write(&module, &self.info)?;
            return Ok(bytes_of(&words));
        }
        self.spirv_of_overrides(&module, values)
    }

    /// Numbers stand in for what overrides decide until naga has written the module; then those
    /// numbers become specialization constants. They must not occur in it for other reasons,
    /// which a second set of numbers shows.
    fn spirv_of_overrides(&self, module: &Module, values: &Values) -> Result<Vec<u8>, Failure> {
        const FIRST: u32 = 40_000;
        const TRIES: u32 = 8;
        let step = 1_000 + 4 * (module.overrides.len() + module.global_expressions.len()) as u32;
        let mut before: Option<(Overrides, Vec<u32>)> = None;
        for attempt in 0..TRIES {
            let base = FIRST + attempt * step;
            let (plan, marked) = overrides::mark(module, &self.overrides, values, base, self.text)?;
            let mut marked = marked;
            let info = validator().validate(&marked).map_err(|error| invalid(self.text, &error))?;
            plan.mark_bools(&mut marked);
            let words = self.write(&marked, &info)?;
            if let Some((plan, first)) = before.take() {
                if !plan.occurs_in(&words) {
                    return spirv::specialize(&first, &plan)
                        .map(|words| bytes_of(&words))
                        .ok_or_else(|| {
                            failure_at(INVALID_IR, self.text.as_bytes(), 0, "naga wrote no SPIR-V")
                        });
                }
            }
            before = Some((plan, words));
        }
        Err(failure_at(
            crate::abi::CAPABILITY_DENIED,
            self.text.as_bytes(),
            0,
            "this uses too many different numbers beside its overrides",
        ))
    }

    fn write(&self, module: &Module, info: &ModuleInfo) -> Result<Vec<u32>, Failure> {
        let options = spv::Options {
            lang_version: (1, 3),
            flags: spv::WriterFlags::DEBUG,
            bounds_check_policies: BoundsCheckPolicies {
                // Of buffers, substrates see to it. Of other arrays nobody does.
                index: BoundsCheckPolicy::Restrict,
                buffer: BoundsCheckPolicy::Unchecked,
                image_load: BoundsCheckPolicy::Unchecked,
                binding_array: BoundsCheckPolicy::Unchecked,
            },
            // A loop without an end is the kernel's own affair.
            force_loop_bounding: false,
            // Compute kernels have none, and naga would ask for the capability.
            use_storage_input_output_16: false,
            ..spv::Options::default()
        };
        spv::write_vec(module, info, &options, None).map_err(|error| {
            let what = format!("this cannot be written as SPIR-V: {}", chain(&error));
            failure_at(crate::abi::CAPABILITY_DENIED, self.text.as_bytes(), 0, &what)
        })
    }
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
