"""Runs torch_llama.py from given initial weights on given data: same_start.py START SCRIPT ARGUMENTS…

START: a line of JSON (tokens: shape; parameters: name and shape each), then int32 tokens, then float32 values, in that order.
"""
import importlib.util, json, os, sys

import torch

start, script = sys.argv[1:3]
with open(start, "rb") as f:
    head = json.loads(f.readline())
    begin = f.tell()


def read(dtype, offset, shape):
    n = 1
    for s in shape:
        n *= s
    return torch.from_file(start, dtype=torch.uint8, size=os.path.getsize(start))[offset:offset + 4 * n].clone().view(dtype).view(shape), offset + 4 * n


tokens, at = read(torch.int32, begin, head["tokens"])
values = {}
for name, shape in head["parameters"]:
    values[name], at = read(torch.float32, at, shape)

source = open(script).read()
spec = importlib.util.spec_from_loader("torch_llama", loader=None)
peer = importlib.util.module_from_spec(spec)
peer.__file__ = script
sys.modules["torch_llama"] = peer
# Without its last part, which runs at once.
body, main = source.split('if __name__ == "__main__":')
exec(compile(body, script, "exec"), peer.__dict__)
Plain = peer.Model
BLOCK = {"n1": "attention_norm", "n2": "ffn_norm", "qkv": "qkv", "o": "out", "gate_up": "gate_up", "down": "down"}


def ours(name):
    part = name.removesuffix(".weight").split(".")
    if part[0] == "blocks":
        return f"layers.{part[1]}.{BLOCK[part[2]]}"
    return {"emb": "embedding"}.get(part[0], part[0])


class Model(Plain):
    def __init__(self, *a):
        super().__init__(*a)
        with torch.no_grad():
            for name, p in self.named_parameters():
                p.copy_(values.pop(ours(name)).view(p.shape))
        if values:
            sys.exit("no place for " + ", ".join(values))


peer.Model = Model
plain = torch.randint


def randint(low, high, shape, **k):
    if tuple(shape) != tuple(tokens.shape):
        return plain(low, high, shape, **k)
    return tokens.long().to(k.get("device", "cpu"))


torch.randint = randint
sys.argv = [script] + sys.argv[3:]
exec(compile("if True:" + main, script, "exec"), peer.__dict__)
