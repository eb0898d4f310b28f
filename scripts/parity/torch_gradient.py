#!/usr/bin/env python3
"""Our gradients and those of PyTorch's autograd in bf16, both against autograd in float64, parameter by parameter.

  java -cp … org.longhaul.bench.GradientDump FOLDER 160m 2        (trainer's test classes; on a GPU)
  python3 torch_gradient.py FOLDER torch_llama.py --shape 160m

Passes (exit status 0) when in bf16 ours are nowhere further from float64 than PyTorch's times --slack, and in float32 nowhere further
than 1e-5. Reference weights: rounded to bf16 for the bf16 runs, as they are for float32.
"""
import argparse, importlib.util, json, os, sys

import torch

p = argparse.ArgumentParser()
p.add_argument("folder")
p.add_argument("peer")
p.add_argument("--shape", default="160m")
p.add_argument("--slack", type=float, default=1.1)
p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
a = p.parse_args()
start = os.path.join(a.folder, "start.bin")
with open(start, "rb") as f:
    head = json.loads(f.readline())
    at = f.tell()


def tensors(path, at, shapes, dtype=torch.float32):
    raw = torch.from_file(path, dtype=torch.uint8, size=os.path.getsize(path))
    found = []
    for shape in shapes:
        n = 4
        for s in shape:
            n *= s
        found.append(raw[at:at + n].clone().view(dtype).view(shape))
        at += n
    return found, at


(tokens,), at = tensors(start, at, [head["tokens"]], torch.int32)
names = [n for n, _ in head["parameters"]]
shapes = [s for _, s in head["parameters"]]
weights = dict(zip(names, tensors(start, at, shapes)[0]))
spec = importlib.util.spec_from_file_location("torch_llama", a.peer)
peer = importlib.util.module_from_spec(spec)
sys.modules["torch_llama"] = peer
spec.loader.exec_module(peer)
BLOCK = {"n1": "attention_norm", "n2": "ffn_norm", "qkv": "qkv", "o": "out", "gate_up": "gate_up", "down": "down"}


def ours(name):
    part = name.removesuffix(".weight").split(".")
    return f"layers.{part[1]}.{BLOCK[part[2]]}" if part[0] == "blocks" else {"emb": "embedding"}.get(part[0], part[0])


def gradients(dtype, rounded):
    layers, d, h, kv, f = peer.SHAPES[a.shape]
    # The math backend is the only one in float64.
    peer.BACKENDS[:] = [peer.SDPBackend.MATH] if dtype == torch.float64 else [peer.SDPBackend.CUDNN_ATTENTION, peer.SDPBackend.FLASH_ATTENTION, peer.SDPBackend.MATH]
    model = peer.Model(layers, d, h, kv, f, weights["embedding"].shape[0], tokens.shape[1] - 1)
    with torch.no_grad():
        for name, q in model.named_parameters():
            w = weights[ours(name)].view(q.shape)
            q.copy_(w.bfloat16().float() if rounded else w)
    model = model.to(a.device).to(dtype)
    t = tokens.long().to(a.device)
    x = model.emb(t[:, :-1])
    cos, sin = model.cos.to(x.dtype), model.sin.to(x.dtype)
    for b in model.blocks:
        x = b(x, cos, sin)
    z = model.head(model.norm(x))
    z = z if dtype == torch.float64 else z.float()
    loss = torch.nn.functional.cross_entropy(z.view(-1, z.shape[-1]), t[:, 1:].reshape(-1))
    loss.backward()
    print(f"{dtype} loss {loss.item():.6f}")
    return {ours(n): q.grad.double().cpu() for n, q in model.named_parameters()}


def mine(kind):
    path = os.path.join(a.folder, f"gradients-{kind}.bin")
    return dict(zip(names, tensors(path, 0, shapes)[0]))


def error(g, reference):
    return ((g.double().view(-1) - reference.view(-1)).norm() / reference.norm()).item()


bad = 0
exact = gradients(torch.float64, False)
single = mine("F32")
worst = max((error(single[n], exact[n]), n) for n in names)
print(f"float32: ours differs from float64 by at most {worst[0]:.2e} ({worst[1]}), bound 1e-5")
bad += not worst[0] <= 1e-5
exact = gradients(torch.float64, True)
torchs, half = gradients(torch.bfloat16, True), mine("BF16")
print(f"{'bf16':28} {'ours':>9} {'autograd':>9}")
for n in names:
    e, t = error(half[n], exact[n]), error(torchs[n], exact[n])
    ok = e <= a.slack * t
    bad += not ok
    if not ok or n in ("embedding", "head", "norm") or n.startswith(("layers.0.", f"layers.{peer.SHAPES[a.shape][0] - 1}.")):
        print(f"{n:28} {e:9.2e} {t:9.2e}{'' if ok else '  FURTHER'}")
mean = lambda g: sum(error(g[n], exact[n]) for n in names) / len(names)
print(f"gradients: float32 {worst[0]:.1e} of 1e-5; bf16 mean error ours {mean(half):.2e}, autograd {mean(torchs):.2e}; {bad} of {len(names) + 1} too far")
sys.exit(1 if bad else 0)
