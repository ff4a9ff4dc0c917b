// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a host is told of a kernel: the module in the words of sokr/ir.h, and the tables that own
//! all that they point to.

use std::ffi::{c_char, CString};
use std::mem::size_of;

use naga::proc::IndexableLength;
use naga::valid::{FunctionInfo, GlobalUse, ModuleInfo};
use naga::{
    AddressSpace, ArraySize, Expression, GlobalVariable, Handle, ImageClass, ImageDimension,
    Module, Scalar, ScalarKind, StorageAccess, StorageFormat, StructMember, Type, TypeInner,
};

use crate::abi::{self, Sizes};
use crate::overrides::{scalar_name, Values};
use crate::source::Failure;
use crate::translate::Wgsl;

/// Most scalars of a push constant block that are told.
const MOST_PUSH_SCALARS: usize = 1024;

fn scalar_code(scalar: Scalar) -> u32 {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Bool, _) => 0,
        (ScalarKind::Sint, 8) => 9,
        (ScalarKind::Sint, _) => 6,
        (ScalarKind::Uint, 8) => 10,
        (ScalarKind::Uint, _) => 7,
        (_, 2) => 5,
        (_, 8) => 11,
        _ => 8,
    }
}

fn round_up(size: u64, alignment: u64) -> u64 {
    size.div_ceil(alignment) * alignment
}

/// What there is to know of a type once its parts are known.
#[derive(Clone, Copy)]
struct Layout {
    /// Bytes without padding behind the last member; a runtime array counts as 0.
    explicit_size: u64,
    /// In workgroup memory, where a bool takes 4 bytes.
    natural_size: u64,
    alignment: u64,
    /// A bit for each scalar type in it.
    scalars: u32,
}

/// Of a matrix as a member: columns are aligned like vectors.
fn column_stride(rows: naga::VectorSize, scalar: Scalar) -> u64 {
    let rows = if rows == naga::VectorSize::Bi { 2 } else { 4 };
    rows * u64::from(scalar.width)
}

struct Types<'a> {
    module: &'a Module,
    /// By handle, each computed once: structures of two members of the one before have few words
    /// and more parts than anybody can visit.
    layouts: Vec<Layout>,
}

impl<'a> Types<'a> {
    fn new(module: &'a Module) -> Self {
        let mut types = Types { module, layouts: Vec::with_capacity(module.types.len()) };
        // A type comes behind those that it is made of.
        for (_, ty) in module.types.iter() {
            let layout = types.layout_of(&ty.inner);
            types.layouts.push(layout);
        }
        types
    }

    fn inner(&self, ty: Handle<Type>) -> &'a TypeInner {
        &self.module.types[ty].inner
    }

    fn layout(&self, ty: Handle<Type>) -> Layout {
        self.layouts[ty.index()]
    }

    fn length(&self, size: ArraySize) -> u64 {
        match size.resolve(self.module.to_ctx()) {
            Ok(IndexableLength::Known(length)) => u64::from(length),
            _ => 0,
        }
    }

    fn layout_of(&self, inner: &TypeInner) -> Layout {
        let of = |explicit_size, natural_size, alignment, scalar| Layout {
            explicit_size,
            natural_size,
            alignment,
            scalars: 1 << scalar_code(scalar),
        };
        let natural = |scalar: Scalar| match scalar.kind {
            ScalarKind::Bool => 4,
            _ => u64::from(scalar.width),
        };
        match *inner {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => {
                of(u64::from(scalar.width), natural(scalar), natural(scalar), scalar)
            }
            TypeInner::Vector { size, scalar } => {
                let (count, width) = (size as u64, natural(scalar));
                let aligned = if count == 3 { 4 } else { count };
                of(count * u64::from(scalar.width), count * width, aligned * width, scalar)
            }
            TypeInner::Matrix { columns, rows, scalar } => {
                let stride = column_stride(rows, scalar);
                of(columns as u64 * stride, columns as u64 * stride, stride, scalar)
            }
            TypeInner::Array { base, size, stride } => {
                let (element, length) = (self.layout(base), self.length(size));
                let element_size = round_up(element.natural_size, element.alignment);
                Layout {
                    explicit_size: length * u64::from(stride),
                    natural_size: element_size * length,
                    ..element
                }
            }
            TypeInner::Struct { ref members, .. } => self.layout_of_members(members),
            _ => Layout { explicit_size: 0, natural_size: 0, alignment: 1, scalars: 0 },
        }
    }

    fn layout_of_members(&self, members: &[StructMember]) -> Layout {
        let mut all = Layout { explicit_size: 0, natural_size: 0, alignment: 1, scalars: 0 };
        for member in members {
            let of = self.layout(member.ty);
            let end = u64::from(member.offset) + of.explicit_size;
            all.explicit_size = all.explicit_size.max(end);
            all.natural_size = round_up(all.natural_size, of.alignment) + of.natural_size;
            all.alignment = all.alignment.max(of.alignment);
            all.scalars |= of.scalars;
        }
        all.natural_size = round_up(all.natural_size, all.alignment);
        all
    }

    /// The stride of the runtime array at the end, or 0, and the bytes with one element of it.
    fn runtime_array(&self, ty: Handle<Type>) -> Option<(u32, u64)> {
        match *self.inner(ty) {
            TypeInner::Array { size: ArraySize::Dynamic, stride, .. } => {
                Some((stride, u64::from(stride)))
            }
            TypeInner::Struct { ref members, .. } => {
                let last = members.last()?;
                match *self.inner(last.ty) {
                    TypeInner::Array { size: ArraySize::Dynamic, stride, .. } => {
                        Some((stride, u64::from(last.offset) + u64::from(stride)))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn place(&self, ty: Handle<Type>, at: u64, out: &mut Vec<abi::PushScalar>) {
        let mut add = |at: u64, scalar: Scalar| {
            if out.len() < MOST_PUSH_SCALARS {
                out.push(abi::PushScalar { offset: at as u32, scalar: scalar_code(scalar) });
            }
        };
        match *self.inner(ty) {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => add(at, scalar),
            TypeInner::Vector { size, scalar } => {
                for i in 0..size as u64 {
                    add(at + i * u64::from(scalar.width), scalar);
                }
            }
            TypeInner::Matrix { columns, rows, scalar } => {
                for column in 0..columns as u64 {
                    for row in 0..rows as u64 {
                        let column = column * column_stride(rows, scalar);
                        add(at + column + row * u64::from(scalar.width), scalar);
                    }
                }
            }
            TypeInner::Array { base, size, stride } => {
                for i in 0..self.length(size) {
                    if out.len() >= MOST_PUSH_SCALARS {
                        return;
                    }
                    self.place(base, at + i * u64::from(stride), out);
                }
            }
            TypeInner::Struct { ref members, .. } => {
                for member in members {
                    if out.len() >= MOST_PUSH_SCALARS {
                        return;
                    }
                    self.place(member.ty, at + u64::from(member.offset), out);
                }
            }
            _ => (),
        }
    }

    /// As reflections of other formats name types: "f32", "vec4", "u32[8]".
    fn name(&self, ty: Handle<Type>) -> String {
        let prefix = |scalar: Scalar| match scalar.kind {
            ScalarKind::Bool => "b".to_string(),
            ScalarKind::Float if scalar.width == 4 => String::new(),
            ScalarKind::Float if scalar.width == 8 => "d".to_string(),
            _ if scalar.width == 4 => scalar_name(scalar)[..1].to_string(),
            _ => scalar_name(scalar),
        };
        match *self.inner(ty) {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => scalar_name(scalar),
            TypeInner::Vector { size, scalar } => format!("{}vec{}", prefix(scalar), size as u32),
            TypeInner::Matrix { columns, rows, scalar } if columns == rows => {
                format!("{}mat{}", prefix(scalar), columns as u32)
            }
            TypeInner::Matrix { columns, rows, scalar } => {
                format!("{}mat{}x{}", prefix(scalar), columns as u32, rows as u32)
            }
            TypeInner::Array { base, size, .. } => {
                let element = self.name(base);
                let (element, inner) = element.split_at(element.find('[').unwrap_or(element.len()));
                format!("{element}[{}]{inner}", self.length(size))
            }
            _ => self.module.types[ty].name.clone().unwrap_or_else(|| "struct".to_string()),
        }
    }
}

/// A resource without its name.
fn describe_binding(types: &Types, variable: &GlobalVariable, uses: GlobalUse) -> abi::Binding {
    let place = variable.binding.unwrap_or(naga::ResourceBinding { group: 0, binding: 0 });
    let mut out = abi::Binding {
        set: place.group,
        binding: place.binding,
        count: 1,
        kind: abi::OTHER_BINDING,
        access: 0,
        runtime_stride: 0,
        min_size: 0,
        name: std::ptr::null(),
        image_flags: 0,
        dimension: 0,
        image_format: 0,
        sampled_type: 0,
        reserved: 0,
    };
    if uses.intersects(GlobalUse::READ | GlobalUse::ATOMIC) {
        out.access |= abi::READ;
    }
    if uses.intersects(GlobalUse::WRITE | GlobalUse::ATOMIC) {
        out.access |= abi::WRITE;
    }
    let mut ty = variable.ty;
    if let TypeInner::BindingArray { base, size } = *types.inner(ty) {
        ty = base;
        out.count = types.length(size) as u32;
    }
    match variable.space {
        AddressSpace::Storage { access } => {
            out.kind = abi::STORAGE_BUFFER;
            if !access.contains(StorageAccess::STORE) {
                out.access &= !abi::WRITE;
            }
            if !access.contains(StorageAccess::LOAD) {
                out.access &= !abi::READ;
            }
        }
        AddressSpace::Uniform => out.kind = abi::UNIFORM_BUFFER,
        _ => {
            describe_image(types.inner(ty), &mut out);
            return out;
        }
    }
    let (stride, size) = types.runtime_array(ty).unwrap_or((0, types.layout(ty).explicit_size));
    (out.runtime_stride, out.min_size) = (stride, size);
    out
}

fn describe_image(inner: &TypeInner, out: &mut abi::Binding) {
    const ARRAYED: u64 = 1;
    const MULTISAMPLED: u64 = 2;
    const DEPTH: u64 = 4;
    let (dim, arrayed, class) = match *inner {
        TypeInner::Image { dim, arrayed, class } => (dim, arrayed, class),
        TypeInner::Sampler { .. } => {
            out.kind = abi::SAMPLER;
            return;
        }
        _ => return,
    };
    out.dimension = match dim {
        ImageDimension::D1 => 1,
        ImageDimension::D2 => 2,
        ImageDimension::D3 => 3,
        ImageDimension::Cube => 4,
    };
    out.image_flags |= if arrayed { ARRAYED } else { 0 };
    out.kind = abi::SAMPLED_IMAGE;
    let (scalar, multi) = match class {
        ImageClass::Sampled { kind, multi } => (Scalar { kind, width: 4 }, multi),
        ImageClass::Depth { multi } => {
            out.image_flags |= DEPTH;
            (Scalar::F32, multi)
        }
        ImageClass::Storage { format, access } => {
            out.kind = abi::STORAGE_IMAGE;
            out.image_format = format_code(format);
            if !access.contains(StorageAccess::STORE) {
                out.access &= !abi::WRITE;
            }
            if !access.contains(StorageAccess::LOAD) {
                out.access &= !abi::READ;
            }
            (Scalar::from(format), false)
        }
        ImageClass::External => (Scalar::F32, false),
    };
    out.image_flags |= if multi { MULTISAMPLED } else { 0 };
    out.sampled_type = scalar_code(scalar);
}

/// The numbers of SokrImageFormat.
fn format_code(format: StorageFormat) -> u32 {
    use StorageFormat as F;
    const CODES: &[(StorageFormat, u32)] = &[
        (F::Rgba32Float, 1),
        (F::Rgba16Float, 2),
        (F::R32Float, 3),
        (F::Rgba8Unorm, 4),
        (F::Rgba8Snorm, 5),
        (F::Rg32Float, 6),
        (F::Rg16Float, 7),
        (F::Rg11b10Ufloat, 8),
        (F::R16Float, 9),
        (F::Rgba16Unorm, 10),
        (F::Rgb10a2Unorm, 11),
        (F::Rg16Unorm, 12),
        (F::Rg8Unorm, 13),
        (F::R16Unorm, 14),
        (F::R8Unorm, 15),
        (F::Rgba16Snorm, 16),
        (F::Rg16Snorm, 17),
        (F::Rg8Snorm, 18),
        (F::R16Snorm, 19),
        (F::R8Snorm, 20),
        (F::Rgba32Sint, 21),
        (F::Rgba16Sint, 22),
        (F::Rgba8Sint, 23),
        (F::R32Sint, 24),
        (F::Rg32Sint, 25),
        (F::Rg16Sint, 26),
        (F::Rg8Sint, 27),
        (F::R16Sint, 28),
        (F::R8Sint, 29),
        (F::Rgba32Uint, 30),
        (F::Rgba16Uint, 31),
        (F::Rgba8Uint, 32),
        (F::R32Uint, 33),
        (F::Rgb10a2Uint, 34),
        (F::Rg32Uint, 35),
        (F::Rg16Uint, 36),
        (F::Rg8Uint, 37),
        (F::R16Uint, 38),
        (F::R8Uint, 39),
        (F::R64Uint, 40),
        (F::Bgra8Unorm, 0),
    ];
    CODES.iter().find(|(known, _)| *known == format).map_or(0, |&(_, code)| code)
}

/// An array for a reader of elements of some size: shorter ones are cut off.
struct Elements {
    words: Vec<u64>,
    count: u32,
}

impl Elements {
    fn new<T: Copy>(all: &[T], size: usize) -> Self {
        let mut words = vec![0u64; (all.len() * size).div_ceil(8)];
        let to = words.as_mut_ptr().cast::<u8>();
        for (i, element) in all.iter().enumerate() {
            let from: *const T = element;
            // SAFETY: the words have room for all.len() elements of `size` bytes, of which as many
            // as both have are copied.
            unsafe {
                let known = size.min(size_of::<T>());
                std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.add(i * size), known);
            }
        }
        Elements { words, count: all.len() as u32 }
    }

    fn pointer<T>(&self) -> *const T {
        pointer(&self.words).cast()
    }
}

/// Null for none.
fn pointer<T>(all: &[T]) -> *const T {
    if all.is_empty() {
        std::ptr::null()
    } else {
        all.as_ptr()
    }
}

/// The table, first, and all that it points to. What is pushed into these lists does not move:
/// each is the memory of one array or string.
#[repr(C)]
pub struct Owned {
    table: abi::Reflection,
    sizes: Sizes,
    strings: Vec<CString>,
    arrays: Vec<Elements>,
    numbers: Vec<Vec<u32>>,
    scalars: Vec<Vec<abi::PushScalar>>,
    types: Vec<abi::EntryTypes>,
}

impl Owned {
    fn text(&mut self, text: &str) -> *const c_char {
        // Names have no 0: the text has none.
        self.strings.push(CString::new(text).unwrap_or_default());
        self.strings[self.strings.len() - 1].as_ptr()
    }

    fn array<T: Copy>(&mut self, all: &[T], size: usize) -> &Elements {
        self.arrays.push(Elements::new(all, size));
        &self.arrays[self.arrays.len() - 1]
    }

    fn bindings(&mut self, types: &Types, info: &FunctionInfo) -> (Vec<abi::Binding>, Vec<u32>) {
        let mut all = Vec::new();
        for (handle, variable) in types.module.global_variables.iter() {
            let uses = info[handle];
            if variable.binding.is_none() || uses.is_empty() {
                continue;
            }
            let mut binding = describe_binding(types, variable, uses);
            binding.name = self.text(variable.name.as_deref().unwrap_or_default());
            let has_block = matches!(binding.kind, abi::STORAGE_BUFFER | abi::UNIFORM_BUFFER);
            all.push((binding, if has_block { types.layout(variable.ty).scalars } else { 0 }));
        }
        all.sort_by_key(|(binding, _)| (binding.set, binding.binding));
        all.into_iter().unzip()
    }

    fn push_members(&mut self, types: &Types, ty: Handle<Type>) -> Vec<abi::PushMember> {
        let members = match *types.inner(ty) {
            TypeInner::Struct { ref members, .. } => members
                .iter()
                .map(|member| (member.name.clone().unwrap_or_default(), member.ty, member.offset))
                .collect(),
            _ => vec![(String::new(), ty, 0)],
        };
        let mut all = Vec::new();
        for (name, ty, offset) in members {
            all.push(abi::PushMember {
                name: self.text(&name),
                type_name: self.text(&types.name(ty)),
                offset,
                size: types.layout(ty).explicit_size as u32,
            });
        }
        all
    }

    fn entry(
        &mut self,
        wgsl: &Wgsl,
        (types, info): (&Types, &ModuleInfo),
        index: usize,
        local_size: Option<[u32; 3]>,
    ) -> abi::EntryPoint {
        let entry = &types.module.entry_points[index];
        let used = info.get_entry_point(index);
        let (bindings, binding_scalars) = self.bindings(types, used);
        let (mut push_members, mut push_size, mut push_scalars) = (Vec::new(), 0, Vec::new());
        let mut workgroup_bytes = 0;
        for (handle, variable) in types.module.global_variables.iter() {
            if used[handle].is_empty() {
                continue;
            }
            if variable.space == AddressSpace::Immediate {
                push_members = self.push_members(types, variable.ty);
                push_size = types.layout(variable.ty).explicit_size as u32;
                types.place(variable.ty, 0, &mut push_scalars);
            } else if variable.space == AddressSpace::WorkGroup {
                let of = types.layout(variable.ty);
                let size = of.natural_size.max(of.explicit_size);
                workgroup_bytes = round_up(workgroup_bytes, of.alignment) + size;
            }
        }
        push_scalars.sort_by_key(|scalar| scalar.offset);
        let (source, ids) = local_size_of(wgsl, index, local_size.is_some());
        let name = self.text(&entry.name);
        let sizes = self.sizes;
        let bindings = self.array(&bindings, sizes.binding);
        let (binding_count, bindings) = (bindings.count, bindings.pointer());
        let members = self.array(&push_members, sizes.push_member);
        let (push_member_count, push_members) = (members.count, members.pointer());
        self.numbers.push(binding_scalars);
        self.scalars.push(push_scalars);
        let scalars = &self.scalars[self.scalars.len() - 1];
        self.types.push(abi::EntryTypes {
            binding_scalars: pointer(&self.numbers[self.numbers.len() - 1]),
            push_scalars: pointer(scalars),
            push_scalar_count: scalars.len() as u32,
            push_scalar_size: size_of::<abi::PushScalar>() as u32,
            push_read_ends: std::ptr::null(),
        });
        abi::EntryPoint {
            name,
            local_size: local_size.unwrap_or(entry.workgroup_size),
            local_size_source: source,
            local_size_spec_ids: ids,
            binding_count,
            workgroup_bytes,
            bindings,
            push_members,
            push_member_count,
            push_size,
            ports: std::ptr::null(),
            port_count: 0,
            port_size: size_of::<abi::Port>() as u32,
            binding_size: sizes.binding as u32,
            push_member_size: sizes.push_member as u32,
        }
    }
}

/// As the SPIR-V has it that comes out.
fn local_size_of(wgsl: &Wgsl, index: usize, is_given: bool) -> (u32, [u32; 3]) {
    let mut ids = [abi::NO_SPEC_ID; 3];
    let Some(open) = wgsl.module.entry_points[index].workgroup_size_overrides else {
        return (if is_given { abi::LOCAL_SIZE_OVERRIDE } else { abi::LOCAL_SIZE_LITERAL }, ids);
    };
    for (id, open) in ids.iter_mut().zip(open) {
        let Some(open) = open else { continue };
        if let Expression::Override(of) = wgsl.module.global_expressions[open] {
            let known = wgsl.overrides.iter().find(|known| known.handle == of);
            *id = known.and_then(|known| known.id).unwrap_or(abi::NO_SPEC_ID);
        }
    }
    let source = match wgsl.module.entry_points.len() {
        _ if is_given => abi::LOCAL_SIZE_OVERRIDE,
        1 => abi::LOCAL_SIZE_WORKGROUP,
        _ => abi::LOCAL_SIZE_ID,
    };
    (source, ids)
}

/// To be given to `free` once.
pub fn reflect(
    wgsl: &Wgsl,
    values: &Values,
    local_size: Option<[u32; 3]>,
    sizes: Sizes,
) -> Result<*const abi::Reflection, Failure> {
    let (module, info) = wgsl.resolved(values)?;
    let mut owned = Box::new(Owned {
        // SAFETY: numbers and pointers.
        table: unsafe { std::mem::zeroed() },
        sizes,
        strings: Vec::new(),
        arrays: Vec::new(),
        numbers: Vec::new(),
        scalars: Vec::new(),
        types: Vec::new(),
    });
    let types = Types::new(&module);
    let mut entries = Vec::new();
    for index in 0..module.entry_points.len() {
        entries.push(owned.entry(wgsl, (&types, &info), index, local_size));
    }
    let mut constants = Vec::new();
    for of in &wgsl.overrides {
        let Some(id) = of.id else { continue };
        constants.push(abi::SpecConstant {
            id,
            scalar: scalar_code(of.scalar),
            default_value: of.default,
            declarations: 1,
            reserved: 0,
            name: owned.text(&of.name),
        });
    }
    constants.sort_by_key(|constant| constant.id);
    let entries = owned.array(&entries, sizes.entry_point);
    let (entry_point_count, entry_points) = (entries.count, entries.pointer());
    let constants = owned.array(&constants, sizes.spec_constant);
    let (spec_constant_count, spec_constants) = (constants.count, constants.pointer());
    owned.table = abi::Reflection {
        struct_size: size_of::<abi::Reflection>() as u32,
        entry_point_count,
        entry_points,
        spec_constants,
        capabilities: std::ptr::null(),
        extensions: std::ptr::null(),
        spec_constant_count,
        capability_count: 0,
        extension_count: 0,
        entry_types_size: size_of::<abi::EntryTypes>() as u32,
        entry_types: pointer(&owned.types),
        entry_point_size: sizes.entry_point as u32,
        spec_constant_size: sizes.spec_constant as u32,
    };
    Ok(Box::into_raw(owned).cast::<abi::Reflection>().cast_const())
}

/// # Safety
/// Null, or of `reflect` and not freed before.
pub unsafe fn free(reflection: *const abi::Reflection) {
    if !reflection.is_null() {
        drop(Box::from_raw(reflection.cast_mut().cast::<Owned>()));
    }
}
