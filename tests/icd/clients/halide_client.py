# SPDX-License-Identifier: MIT OR Apache-2.0
"""Halide's Vulkan back end: kernels that it generates, against NumPy."""
import halide as hl
import numpy as np

x, y, xi, yi, i = (hl.Var(n) for n in ("x", "y", "xi", "yi", "i"))
target = hl.get_jit_target_from_environment().with_feature(hl.TargetFeature.Vulkan)


def realize(func, size):
    func.gpu_tile(x, y, xi, yi, 8, 8)
    buffer = func.realize(size, target)
    buffer.copy_to_host()
    return np.array(buffer)


def gradient():
    f = hl.Func("gradient")
    f[x, y] = hl.cast(hl.Int(32), x * 3 + y)
    got = realize(f, [64, 48])
    expected = np.fromfunction(lambda b, a: a * 3 + b, got.shape, dtype=np.int32)
    assert np.array_equal(got, expected), "gradient"


def blur():
    source = np.random.default_rng(1).integers(0, 1000, (130, 258), dtype=np.int32)
    image = hl.Buffer(source)
    f = hl.Func("blur")
    f[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y] + image[x, y + 1] +
               image[x + 1, y + 1] + image[x + 2, y + 1])
    got = realize(f, [256, 128])
    expected = sum(source[b:b + 128, a:a + 256] for a in range(3) for b in range(2))
    assert np.array_equal(got, expected), "blur"


def whole():
    """Of an odd size, up to the last element of what is read."""
    source = np.random.default_rng(4).random((129, 259), dtype=np.float32)
    image = hl.Buffer(source)
    f = hl.Func("whole")
    f[x, y] = sum(image[x + a, y + b] for a in range(3) for b in range(3)) * hl.f32(1 / 9)
    got = realize(f, [257, 127])
    wide = source.astype(np.float64)
    expected = sum(wide[b:b + 127, a:a + 257] for a in range(3) for b in range(3)) / 9
    assert np.allclose(got, expected, rtol=1e-6, atol=1e-6), f"whole: {np.abs(got - expected).max()}"


def matmul():
    n = 64
    a, b = (np.random.default_rng(s).integers(0, 50, (n, n), dtype=np.int32) for s in (2, 3))
    left, right, r = hl.Buffer(a), hl.Buffer(b), hl.RDom([(0, n)])
    f = hl.Func("matmul")
    f[x, y] = hl.i32(0)
    f[x, y] += left[r, y] * right[x, r]
    f.update(0).gpu_tile(x, y, xi, yi, 8, 8)
    got = realize(f, [n, n])
    assert np.array_equal(got, a @ b), "matmul"


for check in (gradient, blur, whole, matmul):
    check()
    print("ok", check.__name__)
