# SPDX-License-Identifier: MIT OR Apache-2.0
"""llama.cpp: a model of random weights gives the same greedy tokens on Vulkan as on its processor
back end.

usage: llama_client.py [TYPE...]   of f32, f16, q8_0, q4_0; default: all
"""
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np

EMBEDDING, HEADS, LAYERS, HIDDEN = 128, 4, 2, 256
WORDS = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
TYPES = {"f32": gguf.GGMLQuantizationType.F32, "f16": gguf.GGMLQuantizationType.F16,
         "q8_0": gguf.GGMLQuantizationType.Q8_0, "q4_0": gguf.GGMLQuantizationType.Q4_0}


def write(path, kind):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(EMBEDDING // HEADS)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(WORDS)
    writer.add_token_scores([0.0] * len(WORDS))
    writer.add_token_types([2, 3, 3] + [6] * 256)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    random = np.random.default_rng(11)

    def add(name, *shape, scale=1.0, plus=0.0):
        values = (random.standard_normal(shape) * (0.3 if len(shape) > 1 else 0.1)).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, values + 1)
            return values
        tensor = (values * scale + plus).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(tensor, TYPES[kind]), raw_dtype=TYPES[kind])
        return values

    # For weights of few bits both back ends round activations to 8 bits, each in its own way, and
    # chance leaves close calls that this decides. A trained model is surer of what it says: here
    # words are louder than what the layers add, and one that was drawn for each likely follows it.
    if kind in ("q8_0", "q4_0"):
        embedding = add("token_embd.weight", len(WORDS), EMBEDDING, scale=200.0)
        add("output.weight", len(WORDS), EMBEDDING, plus=embedding[random.permutation(len(WORDS))])
    else:
        add("token_embd.weight", len(WORDS), EMBEDDING)
        add("output.weight", len(WORDS), EMBEDDING)
    add("output_norm.weight", EMBEDDING)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        add(block + "attn_norm.weight", EMBEDDING)
        add(block + "ffn_norm.weight", EMBEDDING)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(block + part + ".weight", EMBEDDING, EMBEDDING)
        add(block + "ffn_gate.weight", HIDDEN, EMBEDDING)
        add(block + "ffn_up.weight", HIDDEN, EMBEDDING)
        add(block + "ffn_down.weight", EMBEDDING, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def generate(path, layers):
    """In a process of its own: what a back end does at its end is nothing of the other's."""
    code = ("import sys\nfrom cyllama import LLM, GenerationConfig\n"
            "c = GenerationConfig(max_tokens=64, temperature=0.0, top_k=1, n_gpu_layers=int(sys.argv[2]),"
            " n_ctx=512, seed=1, repeat_penalty=1.0)\n"
            "text = str(LLM(sys.argv[1], config=c, verbose=True)('hello there, world'))\n"
            "sys.stdout.write('RESULT ' + text.encode('utf-8', 'replace').hex())\n")
    done = subprocess.run([sys.executable, "-c", code, path, str(layers)], text=True,
                          capture_output=True, timeout=900)
    assert "RESULT " in done.stdout, done.stderr[-2000:]
    said = done.stdout + done.stderr
    assert (f"offloaded {LAYERS + 1}/{LAYERS + 1} layers" in said) == (layers > 0), said[-2000:]
    return done.stdout.split("RESULT ")[1]


def main():
    with tempfile.TemporaryDirectory() as where:
        for name in sys.argv[1:] or TYPES:
            model = os.path.join(where, name + ".gguf")
            write(model, name)
            expected = generate(model, 0)
            got = generate(model, 99)
            assert got == expected, f"{name}: {got} is not {expected}"
            print("ok", name, len(expected) // 2, "bytes of text")


if __name__ == "__main__":
    main()
