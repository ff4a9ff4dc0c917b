# SPDX-License-Identifier: MIT OR Apache-2.0
"""ncnn: layers on Vulkan against its own processor code, in fp32, with fp16 in memory, and with fp16 in
sums, too: those of 144 products round by more than 1e-3 of it wherever they are computed."""
import os
import tempfile

import ncnn
import numpy as np

PARAM = """7767517
5 5
Input input 0 1 in
Convolution conv1 1 1 in a 0=16 1=3 4=1 5=1 6=432 9=1
Convolution conv2 1 1 a b 0=16 1=3 4=1 5=1 6=2304
ReLU relu 1 1 b c 0=0.1
Convolution conv3 1 1 c out 0=3 1=1 5=1 6=48
"""


def weights(path):
    random = np.random.default_rng(4)
    with open(path, "wb") as file:
        for count, outputs in ((432, 16), (2304, 16), (48, 3)):
            file.write(np.zeros(1, np.uint32).tobytes())
            file.write((random.standard_normal(count) * 0.1).astype(np.float32).tobytes())
            file.write((random.standard_normal(outputs) * 0.1).astype(np.float32).tobytes())


def run(folder, vulkan, stored=False, computed=False):
    net = ncnn.Net()
    net.opt.use_vulkan_compute = vulkan
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = stored
    net.opt.use_fp16_arithmetic = computed
    assert net.load_param(folder + "/net.param") == 0
    assert net.load_model(folder + "/net.bin") == 0
    image = np.random.default_rng(5).random((3, 48, 64), dtype=np.float32)
    extractor = net.create_extractor()
    extractor.input("in", ncnn.Mat(image).clone())
    status, out = extractor.extract("out")
    assert status == 0, f"extract: {status}"
    return np.array(out)


assert ncnn.get_gpu_count() > 0, "no Vulkan device"
with tempfile.TemporaryDirectory() as where:
    with open(os.path.join(where, "net.param"), "w", encoding="ascii") as param:
        param.write(PARAM)
    weights(os.path.join(where, "net.bin"))
    expected = run(where, False)
    for name, bound, stored, computed in (("fp32", 1e-5, False, False), ("fp16 stored", 1e-3, True, False),
                                          ("fp16 computed", 2e-3, True, True)):
        difference = np.abs(run(where, True, stored, computed) - expected).max()
        assert difference < bound, f"{name}: {difference}"
        print("ok", name, difference)
