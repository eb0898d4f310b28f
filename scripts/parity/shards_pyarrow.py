#!/usr/bin/env python3
"""Read a Longhaul data set with pyarrow and check it against its manifest.

    shards_pyarrow.py DIR [--ids]

Checks that every file opens as a memory-mapped Arrow IPC file without copying, that token and document counts,
per-source counts and the unigram entropy equal the manifest's, that documents tile the token stream and that each ends
with the end-of-document id. With --ids it prints a polynomial digest of every split's id stream, which a Java test
compares with what TokenSplit reads. Exit status 1 names the first difference.
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(1)


def check(name, found, expected):
    if found != expected:
        fail(f"{name}: pyarrow finds {found}, the manifest says {expected}")


def digest(ids, state):
    """Polynomial digest modulo 2^64 of the ids as unsigned 32-bit numbers: state = state * P + id."""
    prime = 0x100000001B3
    mask = (1 << 64) - 1
    step = 4096
    powers = np.ones(step, dtype=np.uint64)
    for i in range(1, step):
        powers[i] = np.uint64((int(powers[i - 1]) * prime) & mask)
    for at in range(0, len(ids), step):
        part = ids[at:at + step].astype(np.uint64)
        n = len(part)
        with np.errstate(over="ignore"):
            total = int((part * powers[:n][::-1]).sum(dtype=np.uint64))
        state = (state * pow(prime, n, 1 << 64) + total) & mask
    return state


def main():
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    dtype = {"uint16": pa.uint16(), "uint32": pa.uint32()}[manifest["token_type"]]
    for split, entry in manifest["splits"].items():
        counts = np.zeros(manifest["vocabulary_size"], dtype=np.int64)
        sources = {}
        documents_total = 0
        state = 0
        for shard in entry["shards"]:
            before = pa.total_allocated_bytes()
            table = ipc.open_file(pa.memory_map(str(folder / shard["tokens"]["name"]))).read_all()
            check(shard["tokens"]["name"] + " bytes copied", pa.total_allocated_bytes() - before, 0)
            check(shard["tokens"]["name"] + " type", str(table.schema.field("token").type), str(dtype))
            chunks = [chunk.to_numpy(zero_copy_only=True) for chunk in table.column("token").chunks]
            for chunk in chunks:
                if chunk.__array_interface__["data"][0] % 64:
                    fail(f"{shard['tokens']['name']}: a buffer is not aligned to 64 bytes")
                counts += np.bincount(chunk, minlength=len(counts))
            ids = np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.uint16)
            check(shard["tokens"]["name"] + " tokens", len(ids), shard["total"]["tokens"])
            state = digest(ids, state)
            docs = ipc.open_file(pa.memory_map(str(folder / shard["documents"]["name"]))).read_all()
            docs.validate(full=True)
            check(shard["documents"]["name"] + " documents", docs.num_rows, shard["total"]["documents"])
            starts = docs.column("start").to_numpy()
            lengths = docs.column("length").to_numpy()
            ends = np.cumsum(lengths)
            if docs.num_rows:
                if starts[0] != 0 or (starts[1:] != ends[:-1]).any() or ends[-1] != len(ids):
                    fail(f"{shard['documents']['name']}: documents do not tile the tokens")
                if (ids[ends - 1] != manifest["end_of_document"]).any():
                    fail(f"{shard['documents']['name']}: a document does not end with id {manifest['end_of_document']}")
            check(shard["documents"]["name"] + " text bytes", int(docs.column("text_bytes").to_numpy().sum()), shard["total"]["bytes"])
            for name, length in zip(docs.column("source").to_pylist(), lengths):
                n, t = sources.get(name, (0, 0))
                sources[name] = (n + 1, t + int(length))
            documents_total += docs.num_rows
        check(f"{split} documents", documents_total, entry["total"]["documents"])
        check(f"{split} sources", sources, {k: (v["documents"], v["tokens"]) for k, v in entry["sources"].items()})
        p = counts[counts > 0] / max(1, counts.sum())
        entropy = float(-(p * np.log(p)).sum())
        if not math.isclose(entropy, entry["unigram_entropy"], rel_tol=1e-9, abs_tol=1e-12):
            fail(f"{split} unigram entropy: pyarrow finds {entropy}, the manifest says {entry['unigram_entropy']}")
        line = f"{split}: {documents_total} documents, {int(counts.sum())} tokens, unigram entropy {entropy:.6f} nats"
        print(line + (f", ids {state:016x}" if "--ids" in sys.argv else ""))


if __name__ == "__main__":
    main()
