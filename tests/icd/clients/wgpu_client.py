# SPDX-License-Identifier: MIT OR Apache-2.0
"""wgpu: kernels in WGSL, against NumPy."""
import numpy as np
import wgpu
from wgpu.utils.compute import compute_with_buffers

OPERATIONS = {
    "double": ("a * 2.0", lambda a: a * 2),
    "square": ("a * a", lambda a: a * a),
    "negate": ("-a", lambda a: -a),
    "absolute": ("abs(a)", np.abs),
    "maximum": ("max(a, 0.5)", lambda a: np.maximum(a, np.float32(0.5))),
    "minimum": ("min(a, 0.5)", lambda a: np.minimum(a, np.float32(0.5))),
    "floor": ("floor(a)", np.floor),
    "root": ("sqrt(abs(a))", lambda a: np.sqrt(np.abs(a))),
    "exponential": ("exp(a)", np.exp),
    "sine": ("sin(a)", np.sin),
}
SHADER = """
@group(0) @binding(0) var<storage, read> given: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&given)) { return; }
  let a = given[id.x];
  result[id.x] = EXPRESSION;
}
"""

print(wgpu.gpu.request_adapter_sync().info["device"])
values = np.random.default_rng(3).standard_normal(5000).astype(np.float32)
for name, (expression, expected) in OPERATIONS.items():
    out = compute_with_buffers({0: values}, {1: (len(values), "f")},
                               SHADER.replace("EXPRESSION", expression), n=(len(values) + 63) // 64)
    got = np.frombuffer(out[1], dtype=np.float32)
    assert np.allclose(got, expected(values), rtol=1e-5, atol=1e-5), name
    print("ok", name)
