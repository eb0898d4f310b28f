#!/usr/bin/env python3
"""Encodes JSON lines with Hugging Face's tokenizers and writes the ids as little-endian int32, each document preceded by its number of ids;
`longhaul tokenizer verify --ids` compares them with ours.

usage: hf_encode.py TOKENIZER.json OUT.ids FILE.jsonl[.gz]...
"""
import gzip, json, sys, array

try:
    import tokenizers
except ImportError:
    sys.exit("skipped: the Python package 'tokenizers' is not installed")


def batches(names):
    batch = []
    for name in names:
        with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8") as lines:
            for line in lines:
                batch.append(json.loads(line)["text"])
                if len(batch) == 1024:
                    yield batch
                    batch = []
    yield batch


def main():
    tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
    with open(sys.argv[2], "wb") as out:
        for batch in batches(sys.argv[3:]):
            for encoding in tokenizer.encode_batch(batch, add_special_tokens=False):
                array.array("i", [len(encoding.ids), *encoding.ids]).tofile(out)
    print(f"tokenizers {tokenizers.__version__}: done")


main()
