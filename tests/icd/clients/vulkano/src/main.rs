// SPDX-License-Identifier: MIT OR Apache-2.0
//! vulkano: buffers, push constants, queries, indirect dispatches and many submits, each checked here.
//!
//! usage: sokr-vulkano-client FOLDER_OF_SPIR-V
use std::{error::Error, path::Path, sync::Arc};

use vulkano::{
    buffer::{Buffer, BufferContents, BufferCreateInfo, BufferUsage, Subbuffer},
    command_buffer::{
        allocator::StandardCommandBufferAllocator, AutoCommandBufferBuilder, BufferCopy,
        CommandBufferUsage, CopyBufferInfo, DispatchIndirectCommand, PrimaryAutoCommandBuffer,
    },
    descriptor_set::{
        allocator::StandardDescriptorSetAllocator, DescriptorSet, WriteDescriptorSet,
    },
    device::{Device, DeviceCreateInfo, Queue, QueueCreateInfo, QueueFlags},
    instance::{Instance, InstanceCreateInfo},
    memory::allocator::{AllocationCreateInfo, MemoryTypeFilter, StandardMemoryAllocator},
    pipeline::{
        compute::ComputePipelineCreateInfo, layout::PipelineDescriptorSetLayoutCreateInfo,
        ComputePipeline, Pipeline, PipelineBindPoint, PipelineLayout,
        PipelineShaderStageCreateInfo,
    },
    query::{QueryPool, QueryPoolCreateInfo, QueryResultFlags, QueryType},
    shader::{ShaderModule, ShaderModuleCreateInfo, SpecializationConstant},
    sync::{self, GpuFuture, PipelineStage},
    VulkanLibrary,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;
type Builder = AutoCommandBufferBuilder<PrimaryAutoCommandBuffer>;

#[derive(BufferContents, Clone, Copy)]
#[repr(C)]
struct Saxpy {
    count: u32,
    factor: f32,
}

struct Program {
    device: Arc<Device>,
    queue: Arc<Queue>,
    memory: Arc<StandardMemoryAllocator>,
    sets: Arc<StandardDescriptorSetAllocator>,
    commands: Arc<StandardCommandBufferAllocator>,
    kernels: String,
}

impl Program {
    fn open(kernels: &str) -> Outcome<Self> {
        let instance = Instance::new(VulkanLibrary::new()?, InstanceCreateInfo::default())?;
        let physical = instance.enumerate_physical_devices()?.next().ok_or("no Vulkan device")?;
        println!("{}", physical.properties().device_name);
        let family = physical
            .queue_family_properties()
            .iter()
            .position(|f| f.queue_flags.contains(QueueFlags::COMPUTE))
            .ok_or("no queue computes")?;
        let queue_create_infos =
            vec![QueueCreateInfo { queue_family_index: family as u32, ..Default::default() }];
        let (device, mut queues) =
            Device::new(physical, DeviceCreateInfo { queue_create_infos, ..Default::default() })?;
        Ok(Self {
            memory: Arc::new(StandardMemoryAllocator::new_default(device.clone())),
            sets: Arc::new(StandardDescriptorSetAllocator::new(device.clone(), Default::default())),
            commands: Arc::new(StandardCommandBufferAllocator::new(
                device.clone(),
                Default::default(),
            )),
            queue: queues.next().ok_or("no queue")?,
            device,
            kernels: kernels.to_string(),
        })
    }

    fn pipeline(
        &self,
        name: &str,
        constants: &[(u32, SpecializationConstant)],
    ) -> Outcome<Arc<ComputePipeline>> {
        let bytes = std::fs::read(Path::new(&self.kernels).join(name.to_string() + ".spv"))?;
        let words: Vec<u32> =
            bytes.chunks(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let info = ShaderModuleCreateInfo::new(&words);
        // Safety: the words are glslc's.
        let module = unsafe { ShaderModule::new(self.device.clone(), info) }?;
        let module = module.specialize(constants.iter().cloned().collect())?;
        let stage =
            PipelineShaderStageCreateInfo::new(module.entry_point("main").ok_or("no entry point")?);
        let layout = PipelineLayout::new(
            self.device.clone(),
            PipelineDescriptorSetLayoutCreateInfo::from_stages([&stage])
                .into_pipeline_layout_create_info(self.device.clone())?,
        )?;
        let info = ComputePipelineCreateInfo::stage_layout(stage, layout);
        Ok(ComputePipeline::new(self.device.clone(), None, info)?)
    }

    fn buffer<T: BufferContents + Copy>(&self, values: &[T]) -> Outcome<Subbuffer<[T]>> {
        let usage = BufferUsage::STORAGE_BUFFER
            | BufferUsage::TRANSFER_SRC
            | BufferUsage::TRANSFER_DST
            | BufferUsage::INDIRECT_BUFFER;
        Ok(Buffer::from_iter(
            self.memory.clone(),
            BufferCreateInfo { usage, ..Default::default() },
            AllocationCreateInfo {
                memory_type_filter: MemoryTypeFilter::PREFER_DEVICE
                    | MemoryTypeFilter::HOST_RANDOM_ACCESS,
                ..Default::default()
            },
            values.iter().copied(),
        )?)
    }

    fn record(&self) -> Outcome<Builder> {
        Ok(AutoCommandBufferBuilder::primary(
            self.commands.clone(),
            self.queue.queue_family_index(),
            CommandBufferUsage::SimultaneousUse,
        )?)
    }

    fn bind(
        &self,
        to: &mut Builder,
        pipeline: &Arc<ComputePipeline>,
        buffers: impl IntoIterator<Item = WriteDescriptorSet>,
    ) -> Outcome {
        let layout = pipeline.layout().clone();
        let set =
            DescriptorSet::new(self.sets.clone(), layout.set_layouts()[0].clone(), buffers, [])?;
        to.bind_pipeline_compute(pipeline.clone())?.bind_descriptor_sets(
            PipelineBindPoint::Compute,
            layout,
            0,
            set,
        )?;
        Ok(())
    }

    fn run(&self, commands: Builder) -> Outcome {
        sync::now(self.device.clone())
            .then_execute(self.queue.clone(), commands.build()?)?
            .then_signal_fence_and_flush()?
            .wait(None)?;
        Ok(())
    }
}

fn expect(holds: bool, name: &str) -> Outcome {
    if !holds {
        return Err(format!("{name}: wrong results").into());
    }
    println!("ok {name}");
    Ok(())
}

fn push_constants(program: &Program) -> Outcome {
    let saxpy = program.pipeline("saxpy", &[])?;
    let count = 10_000u32;
    let x = program.buffer(&(0..count).map(|i| i as f32).collect::<Vec<_>>())?;
    let y = program.buffer(&vec![1.0f32; count as usize])?;
    let mut commands = program.record()?;
    program.bind(
        &mut commands,
        &saxpy,
        [WriteDescriptorSet::buffer(0, x), WriteDescriptorSet::buffer(1, y.clone())],
    )?;
    // Twice, with other values: the second adds to what the first gave.
    for factor in [2.0, 0.5] {
        commands.push_constants(saxpy.layout().clone(), 0, Saxpy { count, factor })?;
        // Safety: the kernel looks at how many elements there are.
        unsafe { commands.dispatch([count.div_ceil(256), 1, 1]) }?;
    }
    program.run(commands)?;
    let right = y.read()?.iter().enumerate().all(|(i, v)| *v == 1.0 + 2.5 * i as f32);
    expect(right, "push constants")
}

fn indirect(program: &Program) -> Outcome {
    let count = program.pipeline("count", &[(0, SpecializationConstant::U32(64))])?;
    let groups = program.buffer(&[
        DispatchIndirectCommand { x: 3, y: 2, z: 1 },
        DispatchIndirectCommand { x: 0, y: 5, z: 5 },
        DispatchIndirectCommand { x: 1, y: 1, z: 7 },
    ])?;
    let counted = program.buffer(&[0u32; 4])?;
    let mut commands = program.record()?;
    program.bind(&mut commands, &count, [WriteDescriptorSet::buffer(0, counted.clone())])?;
    for i in 0..3 {
        // Safety: the counts are within the limits.
        unsafe { commands.dispatch_indirect(groups.clone().slice(i..i + 1)) }?;
    }
    program.run(commands)?;
    let right = counted.read()?[..2] == [13 * 64, 13];
    expect(right, "indirect dispatches, and a specialized workgroup")
}

fn transfers(program: &Program) -> Outcome {
    let (from, to) =
        (program.buffer(&(0..1000u32).collect::<Vec<_>>())?, program.buffer(&[0u32; 1000])?);
    let mut commands = program.record()?;
    commands
        .fill_buffer(to.clone(), 7)?
        .update_buffer(to.clone().slice(10..13), vec![1u32, 2, 3].into_boxed_slice())?
        .copy_buffer(CopyBufferInfo {
            regions: vec![
                BufferCopy { src_offset: 0, dst_offset: 400, size: 40, ..Default::default() },
                BufferCopy { src_offset: 2000, dst_offset: 2000, size: 2000, ..Default::default() },
            ]
            .into(),
            ..CopyBufferInfo::buffers(from, to.clone())
        })?;
    program.run(commands)?;
    let right = to.read()?.iter().enumerate().all(|(i, v)| {
        *v as usize
            == match i {
                10..=12 => i - 9,
                100..=109 => i - 100,
                500.. => i,
                _ => 7,
            }
    });
    expect(right, "fills, updates and copies")
}

fn queries(program: &Program) -> Outcome {
    let saxpy = program.pipeline("saxpy", &[])?;
    let info = QueryPoolCreateInfo {
        query_count: 4,
        ..QueryPoolCreateInfo::query_type(QueryType::Timestamp)
    };
    let pool = QueryPool::new(program.device.clone(), info)?;
    let x = program.buffer(&vec![1.0f32; 1 << 18])?;
    let y = program.buffer(&vec![1.0f32; 1 << 18])?;
    let copied = program.buffer(&[0u64; 4])?;
    let mut commands = program.record()?;
    // Safety: no other command buffer uses the pool.
    unsafe { commands.reset_query_pool(pool.clone(), 0..4) }?;
    program.bind(
        &mut commands,
        &saxpy,
        [WriteDescriptorSet::buffer(0, x), WriteDescriptorSet::buffer(1, y)],
    )?;
    commands.push_constants(saxpy.layout().clone(), 0, Saxpy { count: 1 << 18, factor: 1.0 })?;
    for i in 0..4 {
        unsafe {
            commands.dispatch([1 << 10, 1, 1])?;
            commands.write_timestamp(pool.clone(), i, PipelineStage::AllCommands)?;
        }
    }
    commands.copy_query_pool_results(pool.clone(), 0..4, copied.clone(), QueryResultFlags::WAIT)?;
    program.run(commands)?;
    let mut given = [0u64; 4];
    let there = pool.get_results(0..4, &mut given, QueryResultFlags::WAIT)?;
    let right = there && given.windows(2).all(|w| w[0] < w[1]) && copied.read()?[..] == given;
    expect(right, "timestamps, read and copied")
}

/// Submits that follow each other by semaphores and fences, without waiting on the host.
fn submits(program: &Program) -> Outcome {
    let count = program.pipeline("count", &[(0, SpecializationConstant::U32(32))])?;
    let counted = program.buffer(&[0u32; 4])?;
    let mut commands = program.record()?;
    program.bind(&mut commands, &count, [WriteDescriptorSet::buffer(0, counted.clone())])?;
    unsafe { commands.dispatch([2, 1, 1]) }?;
    let commands = commands.build()?;
    let mut last: Box<dyn GpuFuture> = sync::now(program.device.clone()).boxed();
    for i in 0..50 {
        let next = last.then_execute(program.queue.clone(), commands.clone())?;
        last = if i % 3 == 0 {
            next.then_signal_semaphore_and_flush()?.boxed()
        } else {
            next.then_signal_fence_and_flush()?.boxed()
        };
    }
    last.then_signal_fence_and_flush()?.wait(None)?;
    let right = counted.read()?[..2] == [50 * 2 * 32, 50 * 2];
    expect(right, "fifty submits of one command buffer")
}

fn main() -> Outcome {
    let kernels = std::env::args().nth(1).ok_or("usage: sokr-vulkano-client FOLDER_OF_SPIR-V")?;
    let program = Program::open(&kernels)?;
    push_constants(&program)?;
    indirect(&program)?;
    transfers(&program)?;
    queries(&program)?;
    submits(&program)
}
