# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a program takes on the Vulkan driver that the loader finds: `time KEY SECONDS` for each.

usage: speed.py llama|waifu|vkfft|iree|halide

Run by speed.sh, which says what the keys are."""
import os
import sys
import tempfile
import time

import numpy as np


def said(key, seconds):
    print("time", key, f"{seconds:.6f}", flush=True)


def warm(key, once, least=0.5, rounds=7):
    """The median of so many rounds, each of as many runs as `least` seconds hold."""
    once()
    start = time.perf_counter()
    once()
    count = max(1, int(least / rounds / max(time.perf_counter() - start, 1e-6)))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(count):
            once()
        times.append((time.perf_counter() - start) / count)
    said(key, float(np.median(times)))


def llama():
    import llama_client
    from cyllama import LLM, GenerationConfig
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "f32.gguf")
        llama_client.write(path, "f32")
        config = GenerationConfig(max_tokens=85, temperature=0.0, top_k=1, n_gpu_layers=99, n_ctx=512, seed=1,
                                  repeat_penalty=1.0)
        model = LLM(path, config=config, verbose=False)
        at = [time.perf_counter()]
        for _ in model("hello there, world", stream=True):
            at.append(time.perf_counter())
        assert len(at) == 86, f"{len(at) - 1} tokens"
        said("llama.first", at[21] - at[0])
        said("llama.next", at[85] - at[21])


def waifu():
    import ncnn
    import waifu_client
    assert ncnn.get_gpu_count() > 0
    path = waifu_client.path_of(*waifu_client.NETS[0][:2])
    image = waifu_client.picture(96)

    def run():
        extractor = net.create_extractor()
        extractor.input("Input1", ncnn.Mat(image).clone())
        status, out = extractor.extract("Eltwise4")
        assert status == 0, status
        return np.array(out)

    start = time.perf_counter()
    net = ncnn.Net()
    net.opt.use_vulkan_compute = True
    assert net.load_param(path + ".param") == 0
    assert net.load_model(path + ".bin") == 0
    run()
    said("waifu.first", time.perf_counter() - start)
    warm("waifu.warm", run)


def vkfft():
    import vkdispatch as vd
    vd.make_context(use_cpu=True)
    n = 1024
    random = np.random.default_rng(7)
    data = (random.standard_normal((n, n)) + 1j * random.standard_normal((n, n))).astype(np.complex64)
    buffer = vd.Buffer((n, n), vd.complex64)
    buffer.write(data)
    vd.vkfft.fft2(buffer)
    expected = np.fft.fft2(data)
    assert np.abs(buffer.read(0) - expected).max() < 1e-5 * np.abs(expected).max()

    def run():
        for _ in range(4):
            vd.vkfft.fft2(buffer)
            vd.vkfft.ifft2(buffer)
        vd.queue_wait_idle()

    warm("vkfft.1024", run)


def iree():
    import iree.compiler as compiler
    import iree.runtime as runtime
    n = 512
    kind = f"tensor<{n}x{n}xf32>"
    text = f"""func.func @main(%a: {kind}, %b: {kind}) -> {kind} {{
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : {kind}
  %init = linalg.fill ins(%zero : f32) outs(%empty : {kind}) -> {kind}
  %0 = linalg.matmul ins(%a, %b : {kind}, {kind}) outs(%init : {kind}) -> {kind}
  return %0 : {kind}
}}"""
    module = compiler.compile_str(text, target_backends=["vulkan-spirv"],
                                  extra_args=["--iree-vulkan-target=vp_android_baseline_2022"])
    config = runtime.Config("vulkan")
    context = runtime.SystemContext(config=config)
    context.add_vm_module(runtime.VmModule.copy_buffer(context.instance, module))
    random = np.random.default_rng(3)
    a, b = (random.standard_normal((n, n)).astype(np.float32) for _ in range(2))

    # Read through a buffer, on both sides: IREE imports memory of the host else, which lavapipe takes at
    # multiples of 4,096 alone.
    runtime.array_interop.BufferCompatibility = type("Nothing", (), {"IMPORTABLE": 0})
    on_device = [runtime.asdevicearray(config.device, v) for v in (a, b)]
    function = context.modules.module["main"]
    assert np.allclose(function(*on_device).to_host(), a @ b, rtol=1e-3, atol=1e-3)
    warm("iree.matmul_512", lambda: function(*on_device).to_host())


def halide():
    import halide as hl
    w, h = 2048, 2048
    x, y, xi, yi = (hl.Var(v) for v in ("x", "y", "xi", "yi"))
    target = hl.get_jit_target_from_environment().with_feature(hl.TargetFeature.Vulkan)
    # Rows of a size that lavapipe's alignment divides: Halide cannot allocate others there.
    source = np.random.default_rng(1).random((h + 2, w + 64), dtype=np.float32)
    image = hl.Buffer(source)
    f = hl.Func("blur")
    f[x, y] = sum(image[x + i, y + j] for i in range(3) for j in range(3)) * hl.f32(1 / 9)
    f.gpu_tile(x, y, xi, yi, 16, 16)
    f.compile_jit(target)
    out = hl.Buffer(hl.Float(32), [w, h])

    def run():
        f.realize(out, target)
        out.device_sync()

    run()
    out.copy_to_host()
    expected = sum(source[j:j + h, i:i + w].astype(np.float64) for i in range(3) for j in range(3)) / 9
    assert np.abs(np.array(out) - expected).max() < 1e-5
    warm("halide.blur_2048", run)


if __name__ == "__main__":
    {f.__name__: f for f in (llama, waifu, vkfft, iree, halide)}[sys.argv[1]]()
