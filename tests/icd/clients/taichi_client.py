# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taichi's Vulkan back end: kernels that it compiles, against NumPy."""
import numpy as np
import taichi as ti

ti.init(arch=ti.vulkan, log_level=ti.WARN)
assert ti.lang.impl.current_cfg().arch == ti.vulkan, "Taichi fell back to another back end"

N = 4096
random = np.random.default_rng(6)
f32 = ti.types.ndarray(dtype=ti.f32, ndim=1)
i32 = ti.types.ndarray(dtype=ti.i32, ndim=1)
matrix = ti.types.ndarray(dtype=ti.f32, ndim=2)


def close(name, got, expected, bound=1e-5):
    error = np.abs(np.asarray(got, np.float64) - expected).max()
    assert error <= bound * max(1.0, np.abs(expected).max()), f"{name}: {error}"
    print("ok", name)


@ti.kernel
def saxpy(a: ti.f32, x: f32, y: f32):
    for i in x:
        y[i] = a * x[i] + y[i]


@ti.kernel
def multiply(a: matrix, b: matrix, c: matrix):
    for i, j in c:
        total = 0.0
        for k in range(a.shape[1]):
            total += a[i, k] * b[k, j]
        c[i, j] = total


@ti.kernel
def add_up(x: f32) -> ti.f32:
    total = 0.0
    for i in x:
        total += x[i]
    return total


@ti.kernel
def largest(x: i32) -> ti.i32:
    most = -2147483648
    for i in x:
        ti.atomic_max(most, x[i])
    return most


@ti.kernel
def histogram(x: i32, bins: i32):
    for i in x:
        bins[x[i]] += 1


@ti.kernel
def functions(x: f32, y: f32):
    for i in x:
        y[i] = ti.exp(-x[i] * x[i]) + ti.sin(x[i]) * ti.sqrt(ti.abs(x[i])) + ti.atan2(x[i], 2.0)


@ti.kernel
def collatz(x: i32, steps: i32):
    for i in x:
        n, count = x[i], 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            count += 1
        steps[i] = count


@ti.kernel
def shuffle_bits(x: i32, y: i32):
    for i in x:
        v = x[i]
        y[i] = ((v << 3) ^ (v >> 5)) & 0x7FFFFFF | (v % 7)


grid = ti.field(ti.f32, shape=(64, 96))
after = ti.field(ti.f32, shape=(64, 96))


@ti.kernel
def diffuse():
    for i, j in grid:
        total = 0.0
        for d in ti.static(((-1, 0), (1, 0), (0, -1), (0, 1))):
            total += grid[(i + d[0] + 64) % 64, (j + d[1] + 96) % 96]
        after[i, j] = total / 4


@ti.kernel
def copy_back():
    for i, j in grid:
        grid[i, j] = after[i, j]


points = ti.Vector.field(3, ti.f32, shape=256)


@ti.kernel
def rotate(angle: ti.f32):
    for i in points:
        c, s = ti.cos(angle), ti.sin(angle)
        points[i] = ti.Matrix([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ points[i]


counted = ti.field(ti.i32, shape=())


@ti.kernel
def primes(n: ti.i32):
    for i in range(2, n):
        is_prime = 1
        k = 2
        while k * k <= i:
            if i % k == 0:
                is_prime = 0
                break
            k += 1
        counted[None] += is_prime


x = random.standard_normal(N).astype(np.float32)
y = random.standard_normal(N).astype(np.float32)
whole = random.integers(0, 64, N, dtype=np.int32)

out = y.copy()
saxpy(3.0, x, out)
close("saxpy", out, 3.0 * x.astype(np.float64) + y)

a = random.standard_normal((48, 70)).astype(np.float32)
b = random.standard_normal((70, 36)).astype(np.float32)
c = np.zeros((48, 36), np.float32)
multiply(a, b, c)
close("product of matrices", c, a.astype(np.float64) @ b)

close("sum", add_up(x), x.astype(np.float64).sum(), 1e-3)
close("maximum", largest(whole * 31 - 700), (whole * 31 - 700).max(), 0)

bins = np.zeros(64, np.int32)
histogram(whole, bins)
close("histogram", bins, np.bincount(whole, minlength=64), 0)

out = np.zeros(N, np.float32)
functions(x, out)
wide = x.astype(np.float64)
close("functions", out, np.exp(-wide * wide) + np.sin(wide) * np.sqrt(np.abs(wide)) + np.arctan2(wide, 2))

steps = np.zeros(N, np.int32)
collatz(np.arange(1, N + 1, dtype=np.int32), steps)


def collatz_of(n):
    count = 0
    while n != 1:
        n, count = (n // 2 if n % 2 == 0 else 3 * n + 1), count + 1
    return count


close("loops of their own length", steps, np.array([collatz_of(n) for n in range(1, N + 1)]), 0)

out = np.zeros(N, np.int32)
given = random.integers(0, 1 << 20, N, dtype=np.int32)
shuffle_bits(given, out)
close("bits", out, (((given << 3) ^ (given >> 5)) & 0x7FFFFFF) | given % 7, 0)

start = random.random((64, 96), dtype=np.float32)
grid.from_numpy(start)
expected = start.astype(np.float64)
for _ in range(20):
    diffuse()
    copy_back()
    expected = sum(np.roll(expected, d, axis) for axis in (0, 1) for d in (-1, 1)) / 4
close("diffusion, twenty steps", grid.to_numpy(), expected)

given = random.standard_normal((256, 3)).astype(np.float32)
points.from_numpy(given)
rotate(0.7)
turn = np.array([[np.cos(0.7), -np.sin(0.7), 0], [np.sin(0.7), np.cos(0.7), 0], [0, 0, 1]])
close("rotation of vectors", points.to_numpy(), given @ turn.T)

counted[None] = 0
primes(10000)
close("primes, counted by atomics", counted[None], 1229, 0)
