# SPDX-License-Identifier: MIT OR Apache-2.0
"""VkFFT by vkdispatch: sizes of all kinds, against NumPy."""
import numpy as np
import vkdispatch as vd


def close(got, expected, bound, what):
    error = np.abs(got - expected).max() / np.abs(expected).max()
    assert error < bound, f"{what}: {error}"


def transform(shape, dtype=np.complex64, bound=1e-5):
    random = np.random.default_rng(sum(shape))
    data = (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(dtype)
    buffer = vd.Buffer(shape, vd.complex64)
    buffer.write(data)
    vd.vkfft.fft(buffer)
    axes = tuple(range(len(shape)))
    got = buffer.read(0)
    last = np.fft.fft(data)
    close(got, last, bound, f"fft {shape}")
    vd.vkfft.ifft(buffer)
    close(buffer.read(0), data, bound, f"ifft {shape}")
    del axes


for n in (8, 16, 64, 256, 1024, 4096, 16384, 65536, 7, 31, 127, 257, 1009, 60, 1000, 3125):
    transform((n,))
    print("ok 1d", n)
for shape in ((16, 64), (128, 128), (31, 60)):
    transform(shape)
    print("ok rows", shape)


def two(shape):
    random = np.random.default_rng(7)
    data = (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(np.complex64)
    buffer = vd.Buffer(shape, vd.complex64)
    buffer.write(data)
    vd.vkfft.fft2(buffer)
    close(buffer.read(0), np.fft.fft2(data), 1e-5, f"fft2 {shape}")


for shape in ((32, 32), (64, 256), (256, 256)):
    two(shape)
    print("ok 2d", shape)
