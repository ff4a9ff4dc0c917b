# SPDX-License-Identifier: MIT OR Apache-2.0
"""IREE: the same functions compiled for Vulkan and for the processor."""
import iree.compiler as compiler
import iree.runtime as runtime
import numpy as np

FUNCTIONS = {
    "add": ("""func.func @main(%a: tensor<1000xf32>, %b: tensor<1000xf32>) -> tensor<1000xf32> {
  %0 = arith.addf %a, %b : tensor<1000xf32>
  return %0 : tensor<1000xf32>
}""", [(1000,), (1000,)]),
    "matmul": ("""func.func @main(%a: tensor<128x64xf32>, %b: tensor<64x96xf32>) -> tensor<128x96xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<128x96xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<128x96xf32>) -> tensor<128x96xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<128x64xf32>, tensor<64x96xf32>)
                     outs(%init : tensor<128x96xf32>) -> tensor<128x96xf32>
  return %0 : tensor<128x96xf32>
}""", [(128, 64), (64, 96)]),
    "softmax": ("""func.func @main(%a: tensor<16x256xf32>) -> tensor<16x256xf32> {
  %empty = tensor.empty() : tensor<16x256xf32>
  %0 = linalg.softmax dimension(1) ins(%a : tensor<16x256xf32>)
                      outs(%empty : tensor<16x256xf32>) -> tensor<16x256xf32>
  return %0 : tensor<16x256xf32>
}""", [(16, 256)]),
}


def run(text, inputs, backend, driver, flags):
    module = compiler.compile_str(text, target_backends=[backend], extra_args=flags)
    config = runtime.Config(driver)
    context = runtime.SystemContext(config=config)
    context.add_vm_module(runtime.VmModule.copy_buffer(context.instance, module))
    return context.modules.module["main"](*inputs).to_host()


for name, (source, shapes) in FUNCTIONS.items():
    random = np.random.default_rng(len(name))
    given = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    expected = run(source, given, "llvm-cpu", "local-task", ["--iree-llvmcpu-target-cpu=generic"])
    got = run(source, given, "vulkan-spirv", "vulkan", ["--iree-vulkan-target=vp_android_baseline_2022"])
    assert np.allclose(got, expected, rtol=1e-4, atol=1e-5), f"{name}: {np.abs(got - expected).max()}"
    print("ok", name)
