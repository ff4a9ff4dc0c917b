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
    "convolution": ("""func.func @main(%image: tensor<1x18x22x8xf32>, %filter: tensor<3x3x8x16xf32>) -> tensor<1x16x20x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x16x20x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x16x20x16xf32>) -> tensor<1x16x20x16xf32>
  %0 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
       ins(%image, %filter : tensor<1x18x22x8xf32>, tensor<3x3x8x16xf32>)
       outs(%init : tensor<1x16x20x16xf32>) -> tensor<1x16x20x16xf32>
  return %0 : tensor<1x16x20x16xf32>
}""", [(1, 18, 22, 8), (3, 3, 8, 16)]),
    "softmax": ("""func.func @main(%a: tensor<16x256xf32>) -> tensor<16x256xf32> {
  %empty = tensor.empty() : tensor<16x256xf32>
  %0 = linalg.softmax dimension(1) ins(%a : tensor<16x256xf32>)
                      outs(%empty : tensor<16x256xf32>) -> tensor<16x256xf32>
  return %0 : tensor<16x256xf32>
}""", [(16, 256)]),
}


def transformer(words=32, width=64, hidden=128):
    """A block of a transformer: attention of one head and two dense layers, each after a norm and
    added to what it was given."""
    lines, count, known = [], 0, {}

    def name():
        nonlocal count
        count += 1
        return f"%v{count}"

    def kind(*shape):
        return "tensor<" + "x".join(map(str, shape)) + "xf32>"

    def value(text, *shape):
        made = name()
        lines.append(f"  {made} = {text}")
        known[made] = shape
        return made

    def product(a, b, transposed=False):
        rows, columns = known[a][0], known[b][0 if transposed else 1]
        empty = value(f"tensor.empty() : {kind(rows, columns)}", rows, columns)
        init = value(f"linalg.fill ins(%zero : f32) outs({empty} : {kind(rows, columns)}) -> "
                     f"{kind(rows, columns)}", rows, columns)
        op = "linalg.matmul_transpose_b" if transposed else "linalg.matmul"
        if transposed:  # which is a map of linalg.matmul in newer versions
            maps = ("indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, "
                    "affine_map<(i, j, k) -> (i, j)>]")
            op = f"linalg.matmul {maps}"
        return value(f"{op} ins({a}, {b} : {kind(*known[a])}, {kind(*known[b])}) outs({init} : "
                     f"{kind(rows, columns)}) -> {kind(rows, columns)}", rows, columns)

    def each(body, *given):
        """One value out of one of each operand."""
        shape = known[given[0]]
        names = [f"%e{i}" for i in range(len(given))]
        identity = "affine_map<(i, j) -> (i, j)>"
        empty = value(f"tensor.empty() : {kind(*shape)}", *shape)
        maps = ", ".join([identity] * (len(given) + 1))
        entries = ", ".join(f"{n}: f32" for n in names + ["%out"])
        return value(
            f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [\"parallel\", \"parallel\"]}} "
            f"ins({', '.join(given)} : {', '.join([kind(*shape)] * len(given))}) "
            f"outs({empty} : {kind(*shape)}) {{\n  ^bb0({entries}):\n{body}\n  }} -> {kind(*shape)}", *shape)

    def norm(x):
        """By the root of the mean of squares of a row."""
        rows, columns = known[x]
        empty = value(f"tensor.empty() : {kind(rows)}", rows)
        init = value(f"linalg.fill ins(%zero : f32) outs({empty} : {kind(rows)}) -> {kind(rows)}", rows)
        row, whole = "affine_map<(i, j) -> (i)>", "affine_map<(i, j) -> (i, j)>"
        squares = value(
            f"linalg.generic {{indexing_maps = [{whole}, {row}], iterator_types = [\"parallel\", "
            f"\"reduction\"]}} ins({x} : {kind(rows, columns)}) outs({init} : {kind(rows)}) {{\n"
            f"  ^bb0(%a: f32, %s: f32):\n  %q = arith.mulf %a, %a : f32\n  %t = arith.addf %s, %q : f32\n"
            f"  linalg.yield %t : f32\n  }} -> {kind(rows)}", rows)
        out = value(f"tensor.empty() : {kind(rows, columns)}", rows, columns)
        return value(
            f"linalg.generic {{indexing_maps = [{whole}, {row}, {whole}], iterator_types = [\"parallel\", "
            f"\"parallel\"]}} ins({x}, {squares} : {kind(rows, columns)}, {kind(rows)}) outs({out} : "
            f"{kind(rows, columns)}) {{\n  ^bb0(%a: f32, %s: f32, %o: f32):\n"
            f"  %m = arith.divf %s, %width : f32\n  %r = math.rsqrt %m : f32\n"
            f"  %n = arith.mulf %a, %r : f32\n  linalg.yield %n : f32\n  }} -> {kind(rows, columns)}",
            rows, columns)

    add = "  %r = arith.addf %e0, %e1 : f32\n  linalg.yield %r : f32"
    known.update({"%x": (words, width), "%wq": (width, width), "%wk": (width, width), "%wv": (width, width),
                  "%wo": (width, width), "%up": (width, hidden), "%down": (hidden, width)})
    given = dict(known)
    normed = norm("%x")
    scores = product(product(normed, "%wq"), product(normed, "%wk"), transposed=True)
    scaled = each("  %r = arith.mulf %e0, %scale : f32\n  linalg.yield %r : f32", scores)
    empty = value(f"tensor.empty() : {kind(words, words)}", words, words)
    weights = value(f"linalg.softmax dimension(1) ins({scaled} : {kind(words, words)}) outs({empty} : "
                    f"{kind(words, words)}) -> {kind(words, words)}", words, words)
    seen = each(add, "%x", product(product(weights, product(normed, "%wv")), "%wo"))
    bent = each("  %t = math.tanh %e0 : f32\n  linalg.yield %t : f32", product(norm(seen), "%up"))
    result = each(add, seen, product(bent, "%down"))
    head = ", ".join(f"{n}: {kind(*s)}" for n, s in given.items())
    text = [f"func.func @main({head}) -> {kind(words, width)} {{", "  %zero = arith.constant 0.0 : f32",
            f"  %width = arith.constant {float(width)} : f32",
            f"  %scale = arith.constant {width ** -0.5 / width} : f32"]
    return "\n".join(text + lines + [f"  return {result} : {kind(words, width)}", "}"]), list(given.values())


FUNCTIONS["transformer block"] = transformer()


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
    bound = 1e-5 * max(1.0, np.abs(expected).max())
    assert np.allclose(got, expected, rtol=1e-4, atol=bound), f"{name}: {np.abs(got - expected).max()}"
    print("ok", name)
