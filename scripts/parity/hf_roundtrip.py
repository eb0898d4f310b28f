#!/usr/bin/env python3
"""Hugging Face parity, seen from transformers' side.

  hf_roundtrip.py check FOLDER   loads a folder that `longhaul checkpoint export-hf --dtype f32` wrote, runs the token ids of
                                 FOLDER/expected.json and compares logits (max |a-b| <= 1e-4) and the greedy continuation
  hf_roundtrip.py make FOLDER --kv-heads N [--tied] [--shards]
                                 writes a small random Llama with transformers, with FOLDER/expected.json of its logits and
                                 greedy continuation, for our import to reproduce

Needs torch and transformers; runs on the CPU. HfParityTest calls both.
"""
import argparse
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

LIMIT = 1e-4


def greedy(model, prompt, steps):
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(steps):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt):]


def check(folder):
    expected = json.loads((folder / "expected.json").read_text())
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    problems = {k: sorted(v) for k, v in info.items() if v}
    if problems or not isinstance(model, LlamaForCausalLM):
        print(f"loading {folder} as {type(model).__name__}: {problems}")
        return 1
    with torch.no_grad():
        logits = model.eval()(torch.tensor([expected["tokens"]])).logits[0]
    ours = torch.tensor(expected["logits"]).reshape(logits.shape)
    worst = float((logits - ours).abs().max())
    text = greedy(model, expected["tokens"][:4], len(expected["greedy"]))
    print(f"max |a-b| of logits {worst:.3e}, largest logit {float(logits.abs().max()):.3f}, greedy equal: {text == expected['greedy']}")
    return 0 if worst <= LIMIT and text == expected["greedy"] else 1


def make(folder, kv_heads, tied, shards):
    torch.manual_seed(7)
    config = LlamaConfig(vocab_size=96, hidden_size=64, intermediate_size=160, num_hidden_layers=3, num_attention_heads=4,
                         num_key_value_heads=kv_heads, max_position_embeddings=32, rms_norm_eps=1e-6, initializer_range=0.12,
                         tie_word_embeddings=tied, bos_token_id=None, eos_token_id=None)
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.uniform_(0.5, 1.5)
    model.save_pretrained(folder, **({"max_shard_size": "200KB"} if shards else {}))
    tokens = [(i * 37 + 5) % 96 for i in range(24)]
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0]
    (folder / "expected.json").write_text(json.dumps({
        "tokens": tokens, "logits": logits.flatten().tolist(), "greedy": greedy(model, tokens[:4], 20)}))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "make"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--kv-heads", type=int, default=4)
    parser.add_argument("--tied", action="store_true")
    parser.add_argument("--shards", action="store_true")
    a = parser.parse_args()
    return check(a.folder) if a.what == "check" else make(a.folder, a.kv_heads, a.tied, a.shards)


if __name__ == "__main__":
    sys.exit(main())
