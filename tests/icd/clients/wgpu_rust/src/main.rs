// SPDX-License-Identifier: MIT OR Apache-2.0
//! wgpu with the limits that WebGPU promises: kernels in WGSL, constants of pipelines, immediates,
//! indirect dispatches, timestamps and many submits, each checked here.
use std::error::Error;

use wgpu::util::{BufferInitDescriptor, DeviceExt};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

struct Program {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Program {
    fn open() -> Outcome<Self> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::VULKAN,
            // Of which WGPU_ALLOW_UNDERLYING_NONCOMPLIANT_ADAPTER is one.
            ..wgpu::InstanceDescriptor::new_without_display_handle_from_env()
        });
        let adapter = pollster::block_on(instance.request_adapter(&Default::default()))?;
        println!("{}", adapter.get_info().name);
        let descriptor = wgpu::DeviceDescriptor {
            required_features: wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::IMMEDIATES,
            required_limits: wgpu::Limits { max_immediate_size: 64, ..Default::default() },
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;
        Ok(Self { device, queue })
    }

    fn buffer(&self, words: &[u32]) -> wgpu::Buffer {
        let contents: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.device.create_buffer_init(&BufferInitDescriptor {
            label: None,
            contents: &contents,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::INDIRECT
                | wgpu::BufferUsages::COPY_SRC
                | wgpu::BufferUsages::COPY_DST,
        })
    }

    fn floats(&self, values: &[f32]) -> wgpu::Buffer {
        self.buffer(&values.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
    }

    fn read(&self, buffer: &wgpu::Buffer) -> Outcome<Vec<u32>> {
        let copy = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: buffer.size(),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut commands = self.device.create_command_encoder(&Default::default());
        commands.copy_buffer_to_buffer(buffer, 0, &copy, 0, buffer.size());
        self.queue.submit([commands.finish()]);
        copy.map_async(wgpu::MapMode::Read, .., |mapped| mapped.expect("a buffer that is mapped"));
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        let words = copy
            .get_mapped_range(..)?
            .chunks(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        Ok(words)
    }

    fn read_floats(&self, buffer: &wgpu::Buffer) -> Outcome<Vec<f32>> {
        Ok(self.read(buffer)?.into_iter().map(f32::from_bits).collect())
    }

    fn pipeline(&self, source: &str, constants: &[(&str, f64)]) -> wgpu::ComputePipeline {
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                ..Default::default()
            },
            cache: None,
        })
    }

    fn group(
        &self,
        pipeline: &wgpu::ComputePipeline,
        buffers: &[&wgpu::Buffer],
    ) -> wgpu::BindGroup {
        let entries: Vec<_> = buffers
            .iter()
            .enumerate()
            .map(|(i, b)| wgpu::BindGroupEntry {
                binding: i as u32,
                resource: b.as_entire_binding(),
            })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        })
    }

    fn run(&self, pipeline: &wgpu::ComputePipeline, buffers: &[&wgpu::Buffer], groups: [u32; 3]) {
        let group = self.group(pipeline, buffers);
        let mut commands = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = commands.begin_compute_pass(&Default::default());
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
        }
        self.queue.submit([commands.finish()]);
    }
}

fn expect(holds: bool, name: &str) -> Outcome {
    if !holds {
        return Err(format!("{name}: wrong results").into());
    }
    println!("ok {name}");
    Ok(())
}

fn close(got: &[f32], expected: impl Iterator<Item = f64>) -> bool {
    let mut count = 0;
    let near = got.iter().zip(expected).all(|(g, e)| {
        count += 1;
        (f64::from(*g) - e).abs() <= 1e-4 * e.abs().max(1.0)
    });
    near && count == got.len()
}

fn elementwise(program: &Program) -> Outcome {
    let values: Vec<f32> = (0..5000).map(|i| (i as f32 - 2500.0) / 500.0).collect();
    type Row = (&'static str, fn(f64) -> f64);
    let rows: [Row; 5] = [
        ("a * a - 3.0", |a| a * a - 3.0),
        ("exp(-abs(a))", |a| (-a.abs()).exp()),
        ("sin(a) + cos(a)", |a| a.sin() + a.cos()),
        ("select(floor(a), ceil(a), a > 0.0)", |a| if a > 0.0 { a.ceil() } else { a.floor() }),
        ("clamp(a, -1.0, 2.0)", |a| a.clamp(-1.0, 2.0)),
    ];
    for (expression, expected) in rows {
        let source = format!(
            "@group(0) @binding(0) var<storage, read> given: array<f32>;
             @group(0) @binding(1) var<storage, read_write> result: array<f32>;
             @compute @workgroup_size(64)
             fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
               if (id.x >= arrayLength(&given)) {{ return; }}
               let a = given[id.x];
               result[id.x] = {expression};
             }}"
        );
        let pipeline = program.pipeline(&source, &[]);
        let result = program.floats(&vec![0.0; values.len()]);
        program.run(&pipeline, &[&program.floats(&values), &result], [5000u32.div_ceil(64), 1, 1]);
        let right =
            close(&program.read_floats(&result)?, values.iter().map(|v| expected(f64::from(*v))));
        expect(right, expression)?;
    }
    Ok(())
}

const PRODUCT: &str = "
override size: u32 = 16;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
var<workgroup> left: array<array<f32, 16>, 16>;
var<workgroup> right: array<array<f32, 16>, 16>;
@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>) {
  var sum = 0.0;
  for (var k = 0u; k < size; k += 16u) {
    left[l.y][l.x] = a[id.y * size + k + l.x];
    right[l.y][l.x] = b[(k + l.y) * size + id.x];
    workgroupBarrier();
    for (var i = 0u; i < 16u; i++) { sum += left[l.y][i] * right[i][l.x]; }
    workgroupBarrier();
  }
  c[id.y * size + id.x] = sum;
}";

fn product(program: &Program) -> Outcome {
    const N: usize = 96;
    let a: Vec<f32> = (0..N * N).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
    let b: Vec<f32> = (0..N * N).map(|i| ((i * 53) % 89) as f32 / 44.0 - 1.0).collect();
    let c = program.floats(&vec![0.0; N * N]);
    let pipeline = program.pipeline(PRODUCT, &[("size", N as f64)]);
    let groups = [N as u32 / 16, N as u32 / 16, 1];
    program.run(&pipeline, &[&program.floats(&a), &program.floats(&b), &c], groups);
    let expected = (0..N * N).map(|at| {
        (0..N).map(|k| f64::from(a[at / N * N + k]) * f64::from(b[k * N + at % N])).sum()
    });
    let right = close(&program.read_floats(&c)?, expected);
    expect(right, "a product of matrices, by a constant of the pipeline and workgroup memory")
}

const COUNT: &str = "
struct Given { step: u32 }
var<immediate> given: Given;
@group(0) @binding(0) var<storage, read_write> counts: array<atomic<u32>>;
@compute @workgroup_size(32)
fn main(@builtin(local_invocation_index) at: u32) {
  atomicAdd(&counts[0], given.step);
  if (at == 0u) { atomicAdd(&counts[1], 1u); }
}";

fn indirect(program: &Program) -> Outcome {
    let pipeline = program.pipeline(COUNT, &[]);
    let counts = program.buffer(&[0; 4]);
    let groups = program.buffer(&[3, 2, 1, 0, 5, 5, 1, 1, 7]);
    let group = program.group(&pipeline, &[&counts]);
    let mut commands = program.device.create_command_encoder(&Default::default());
    {
        let mut pass = commands.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        for i in 0..3u32 {
            pass.set_immediates(0, &(i + 1).to_le_bytes());
            pass.dispatch_workgroups_indirect(&groups, u64::from(i) * 12);
        }
    }
    program.queue.submit([commands.finish()]);
    let right = program.read(&counts)?[..2] == [32 * (6 + 3 * 7), 13];
    expect(right, "indirect dispatches with immediates")
}

fn timestamps(program: &Program) -> Outcome {
    let pipeline = program.pipeline(COUNT, &[]);
    let counts = program.buffer(&[0; 4]);
    let group = program.group(&pipeline, &[&counts]);
    let queries = program.device.create_query_set(&wgpu::QuerySetDescriptor {
        label: None,
        ty: wgpu::QueryType::Timestamp,
        count: 2,
    });
    let resolved = program.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    });
    let mut commands = program.device.create_command_encoder(&Default::default());
    {
        let mut pass = commands.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: None,
            timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            }),
        });
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.set_immediates(0, &1u32.to_le_bytes());
        pass.dispatch_workgroups(1000, 1, 1);
    }
    commands.resolve_query_set(&queries, 0..2, &resolved, 0);
    program.queue.submit([commands.finish()]);
    let words = program.read(&resolved)?;
    let time = |i: usize| u64::from(words[i]) | u64::from(words[i + 1]) << 32;
    expect(time(0) < time(2), "timestamps of a pass")
}

fn submits(program: &Program) -> Outcome {
    let pipeline = program.pipeline(COUNT, &[]);
    let counts = program.buffer(&[0; 4]);
    let group = program.group(&pipeline, &[&counts]);
    for i in 0..60u32 {
        let mut commands = program.device.create_command_encoder(&Default::default());
        if i == 30 {
            commands.clear_buffer(&counts, 0, Some(4));
        }
        {
            let mut pass = commands.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.set_immediates(0, &i.to_le_bytes());
            pass.dispatch_workgroups(2, 1, 1);
        }
        // Writes of the queue come before what is submitted next.
        program.queue.write_buffer(&counts, 8, &i.to_le_bytes());
        program.queue.submit([commands.finish()]);
    }
    let expected: u32 = (30..60).map(|i| i * 64).sum();
    let right = program.read(&counts)? == [expected, 120, 59, 0];
    expect(right, "sixty submits with writes between them")
}

fn main() -> Outcome {
    let program = Program::open()?;
    elementwise(&program)?;
    product(&program)?;
    indirect(&program)?;
    timestamps(&program)?;
    submits(&program)
}
