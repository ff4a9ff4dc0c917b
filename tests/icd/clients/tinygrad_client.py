# SPDX-License-Identifier: MIT OR Apache-2.0
"""tinygrad on Dawn: kernels that it makes for WebGPU, against NumPy."""
import os
import sysconfig

HERE = os.path.join(sysconfig.get_paths()["purelib"], "pydawn", "lib", "libwebgpu_dawn_x86_64.so")
os.environ.setdefault("WEBGPU_PATH", HERE)
os.environ.setdefault("WEBGPU_BACKEND", "WGPUBackendType_Vulkan")
os.environ["DEV"] = "WEBGPU"

import numpy as np
from tinygrad import Device, Tensor, dtypes

random = np.random.default_rng(9)
a, b = (random.standard_normal((48, 80)).astype(np.float32) for _ in range(2))
m, n = random.standard_normal((80, 56)).astype(np.float32), random.standard_normal((56, 24)).astype(np.float32)
image = random.standard_normal((2, 3, 20, 24)).astype(np.float32)
filters = random.standard_normal((5, 3, 3, 3)).astype(np.float32)
whole = random.integers(-1000, 1000, (300,), dtype=np.int32)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def convolution(x, w):
    out = np.zeros((x.shape[0], w.shape[0], x.shape[2] - 2, x.shape[3] - 2))
    for dy in range(3):
        for dx in range(3):
            part = x[:, :, dy:dy + out.shape[2], dx:dx + out.shape[3]].astype(np.float64)
            out += np.einsum("bchw,oc->bohw", part, w[:, :, dy, dx].astype(np.float64))
    return out


def attention(x):
    scores = softmax((x @ x.T / np.sqrt(x.shape[1])).astype(np.float64))
    return scores @ x


OPERATIONS = {
    "sum of two": (lambda t: t(a) + t(b), a + b),
    "product of matrices": (lambda t: t(a) @ t(m), a.astype(np.float64) @ m),
    "two products": (lambda t: (t(a) @ t(m)).relu() @ t(n),
                     np.maximum(a.astype(np.float64) @ m, 0) @ n),
    "sum of rows": (lambda t: t(a).sum(axis=1), a.astype(np.float64).sum(axis=1)),
    "maximum of columns": (lambda t: t(a).max(axis=0), a.max(axis=0)),
    "softmax": (lambda t: t(a).softmax(axis=1), softmax(a.astype(np.float64))),
    "exponential and logarithm": (lambda t: (t(a).exp() + 1).log(), np.log1p(np.exp(a.astype(np.float64)))),
    "sine": (lambda t: t(a).sin(), np.sin(a.astype(np.float64))),
    "convolution": (lambda t: t(image).conv2d(t(filters)), convolution(image, filters)),
    "maximum pool": (lambda t: t(image).max_pool2d(2),
                     image.reshape(2, 3, 10, 2, 12, 2).max(axis=(3, 5))),
    "transposition": (lambda t: t(a).T.contiguous(), a.T),
    "where": (lambda t: (t(a) > 0).where(t(a), t(b)), np.where(a > 0, a, b)),
    "integers": (lambda t: t(whole) * 7 - (t(whole) // 3), whole * 7 - whole // 3),
    "running sum": (lambda t: t(whole).cumsum(), np.cumsum(whole)),
    "gather": (lambda t: t(a)[t(np.array([5, 3, 40, 3], np.int32))], a[[5, 3, 40, 3]]),
    "sorted": (lambda t: t(whole[:64]).sort()[0], np.sort(whole[:64])),
    "attention": (lambda t: Tensor.scaled_dot_product_attention(t(a), t(a), t(a)), attention(a)),
    "of 16 bits": (lambda t: (t(a).half() * 2 + 1).float(), a * 2 + 1),
}

print(Device.DEFAULT)
assert Device.DEFAULT == "WEBGPU", Device.DEFAULT
for name, (operation, expected) in OPERATIONS.items():
    got = operation(Tensor).numpy()
    assert got.shape == expected.shape, f"{name}: {got.shape}"
    # WGSL leaves open how f16 rounds: two steps of 2^-11.
    bound = 2e-3 if name == "of 16 bits" else 1e-4
    assert np.allclose(got, expected, rtol=bound, atol=bound), f"{name}: {np.abs(got - expected).max()}"
    print("ok", name)

# A step of training: gradients are kernels, too.
weights = Tensor(m)
loss = ((Tensor(a) @ weights) ** 2).mean()
(gradient,) = loss.gradient(weights)
expected = 2 * a.T.astype(np.float64) @ (a.astype(np.float64) @ m) / (a.shape[0] * m.shape[1])
assert np.allclose(gradient.numpy(), expected, rtol=1e-3, atol=1e-3), "gradient"
print("ok gradient")
