#!/usr/bin/env python3
"""The loss curve of plain PyTorch from our initial weights on our batches: the reference for `longhaul train`.

  longhaul checkpoint export-hf RUN/step-00000000 WEIGHTS     (or any Hugging Face Llama folder)
  longhaul bench batches CONFIG --steps 200 --out batches.bin
  python3 torch_curve.py --weights WEIGHTS --batches batches.bin --out torch.jsonl
  python3 torch_curve.py --compare torch.jsonl RUN/metrics.jsonl

batches.bin: a JSON header line (steps, accumulate, micro_batch, sequence, schedule: one learning rate a step, adam: beta1,
beta2, epsilon, weight_decay, clip; end_of_document where attention is to stay within documents), then int32 token ids [steps, accumulate, micro_batch, sequence + 1].
Needs PyTorch; says so and exits with 77 where it is missing.
"""
import argparse, contextlib, glob, json, os, sys

try:
    import torch, torch.nn as nn, torch.nn.attention, torch.nn.functional as F
except ImportError as e:
    print(f"skipped: {e}; this check needs torch")
    sys.exit(77)


def attention():
    if a.attention == "auto":
        return contextlib.nullcontext()
    return torch.nn.attention.sdpa_kernel(getattr(torch.nn.attention.SDPBackend, a.attention.upper() + "_ATTENTION" if a.attention != "math" else "MATH"))


def load_file(path):
    """A safetensors file: a length, a JSON head of names, types, shapes and offsets, the values."""
    types = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    with open(path, "rb") as f:
        begin = 8 + int.from_bytes(f.read(8), "little")
        head = json.loads(f.read(begin - 8))
    raw = torch.from_file(path, dtype=torch.uint8, size=os.path.getsize(path))
    return {name: raw[begin + v["data_offsets"][0]:begin + v["data_offsets"][1]].clone().view(types[v["dtype"]]).view(v["shape"])
            for name, v in head.items() if name != "__metadata__"}


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, self.h, self.kv = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
        self.hd = d // self.h
        self.q_proj = nn.Linear(d, self.h * self.hd, bias=False)
        self.k_proj = nn.Linear(d, self.kv * self.hd, bias=False)
        self.v_proj = nn.Linear(d, self.kv * self.hd, bias=False)
        self.o_proj = nn.Linear(self.h * self.hd, d, bias=False)

    def forward(self, x, cos, sin, mask):
        b, s, _ = x.shape
        q, k, v = (p(x).view(b, s, n, self.hd).transpose(1, 2)
                   for p, n in ((self.q_proj, self.h), (self.k_proj, self.kv), (self.v_proj, self.kv)))
        turn = lambda t: torch.cat((t[..., : self.hd // 2] * cos - t[..., self.hd // 2:] * sin,
                                    t[..., self.hd // 2:] * cos + t[..., : self.hd // 2] * sin), -1).to(t.dtype)
        with attention():
            y = F.scaled_dot_product_attention(turn(q), turn(k), v, attn_mask=mask, is_causal=mask is None, enable_gqa=self.h != self.kv)
        return self.o_proj(y.transpose(1, 2).reshape(b, s, -1))


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, f = c["hidden_size"], c["intermediate_size"]
        self.gate_proj, self.up_proj = nn.Linear(d, f, bias=False), nn.Linear(d, f, bias=False)
        self.down_proj = nn.Linear(f, d, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = Norm(c["hidden_size"], c["rms_norm_eps"])
        self.post_attention_layernorm = Norm(c["hidden_size"], c["rms_norm_eps"])
        self.self_attn, self.mlp = Attention(c), Mlp(c)

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.model.norm = Norm(c["hidden_size"], c["rms_norm_eps"])
        self.lm_head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)

    def forward(self, tokens, targets, end=None):
        hd = self.c["hidden_size"] // self.c["num_attention_heads"]
        inverse = self.c["rope_theta"] ** (-torch.arange(0, hd, 2, device=tokens.device).double() / hd)
        angles = torch.outer(torch.arange(tokens.shape[1], device=tokens.device).double(), inverse)
        cos, sin = angles.cos().float(), angles.sin().float()
        mask = None
        if end is not None:
            # A document begins behind the token that ends the one before.
            document = F.pad((tokens == end).long().cumsum(1)[:, :-1], (1, 0))
            before = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=tokens.device).tril()
            mask = (before & (document[:, :, None] == document[:, None, :]))[:, None]
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, cos, sin, mask)
        z = self.lm_head(self.model.norm(x)).float()
        return F.cross_entropy(z.view(-1, z.shape[-1]), targets.reshape(-1))


def train(a):
    with open(os.path.join(a.weights, "config.json")) as f:
        c = json.load(f)
    if "rope_theta" not in c:
        c["rope_theta"] = c.get("rope_parameters", {}).get("rope_theta", 10000.0)
    state = {}
    for path in sorted(glob.glob(os.path.join(a.weights, "*.safetensors"))):
        state.update(load_file(path))
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[a.dtype]
    model = Llama(c)
    model.load_state_dict({k: v.float() for k, v in state.items()})
    model = model.to(a.device)
    master = [p.detach().clone() for p in model.parameters()]
    model = model.to(dtype)
    params = list(model.parameters())
    with open(a.batches, "rb") as f:
        header = json.loads(f.readline())
        ids = torch.frombuffer(bytearray(f.read()), dtype=torch.int32)
    ids = ids.reshape(header["steps"], header["accumulate"], header["micro_batch"], header["sequence"] + 1)
    adam = header["adam"]
    main = [torch.zeros_like(m) for m in master]
    for m, g in zip(master, main):
        m.grad = g
    groups = [{"params": [m for m in master if m.dim() > 1], "weight_decay": adam["weight_decay"]},
              {"params": [m for m in master if m.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(adam["beta1"], adam["beta2"]), eps=adam["epsilon"])
    with open(a.out, "w") as out:
        for step in range(header["steps"]):
            total = 0.0
            for micro in range(header["accumulate"]):
                t = ids[step, micro].long().to(a.device)
                loss = model(t[:, :-1].contiguous(), t[:, 1:].contiguous(), header.get("end_of_document"))
                (loss / header["accumulate"]).backward()
                total += loss.item()
                for p, g in zip(params, main):
                    g.add_(p.grad)
                    p.grad = None
            norm = torch.nn.utils.clip_grad_norm_(master, adam["clip"])
            for group in optimizer.param_groups:
                group["lr"] = header["schedule"][step]
            optimizer.step()
            with torch.no_grad():
                for p, m, g in zip(params, master, main):
                    p.copy_(m)
                    g.zero_()
            out.write(json.dumps({"step": step + 1, "loss": total / header["accumulate"], "grad_norm": float(norm)}) + "\n")
            out.flush()


def read(path):
    rows = {}
    for line in open(path):
        row = json.loads(line)
        if "loss" in row and "step" in row:
            rows[row["step"]] = row["loss"]
    return rows


def gaps(one, two):
    steps = sorted(one.keys() & two.keys())
    if not steps:
        sys.exit("no common steps")
    apart = [abs(one[s] - two[s]) for s in steps]
    return steps, max(apart), sum(apart) / len(apart)


def compare(a):
    one, two = read(a.compare[0]), read(a.compare[1])
    steps, most, mean = gaps(one, two)
    said = {"steps": len(steps), "max_difference": most, "mean_difference": mean}
    if a.beside:
        _, twin_most, twin_mean = gaps(one, read(a.beside))
        bound = max(a.mean, a.factor * twin_mean)
        said |= {"max_of_two_pytorch_runs": twin_most, "mean_of_two_pytorch_runs": twin_mean, "bound_of_mean": bound}
    print(json.dumps(said | {"first": [one[steps[0]], two[steps[0]]], "last": [one[steps[-1]], two[steps[-1]]]}))
    if not (mean <= bound if a.beside else most <= a.max and mean <= a.mean):
        sys.exit(1)


p = argparse.ArgumentParser()
p.add_argument("--weights"); p.add_argument("--batches"); p.add_argument("--out", default="torch.jsonl")
p.add_argument("--dtype", default="bf16", choices=["bf16", "fp32"])
p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
p.add_argument("--attention", default="auto", choices=["auto", "cudnn", "flash", "efficient", "math"],
               help="another kernel gives other roundings: two runs of PyTorch show how far apart equal maths may end")
p.add_argument("--compare", nargs=2)
p.add_argument("--beside", help="with --compare: a second run of the first file's program; the mean difference may be FACTOR times theirs")
p.add_argument("--factor", type=float, default=1.5)
p.add_argument("--max", type=float, default=0.02); p.add_argument("--mean", type=float, default=0.003)
a = p.parse_args()
compare(a) if a.compare else train(a)
