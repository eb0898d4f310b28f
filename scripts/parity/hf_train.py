#!/usr/bin/env python3
"""Trains Hugging Face's BpeTrainer on a corpus with the pre-tokenizer of one of our tokenizers and compares vocabulary and merges,
in order. Prints wall time, CPU time and peak memory of the training.

usage: hf_train.py OURS/tokenizer.json CORPUS_FOLDER [--threads N] [--save FILE] [--initial-alphabet utf8|bytes|none]
"""
import argparse, glob, gzip, json, os, resource, sys, time


def documents(folder, field):
    for name in sorted(glob.glob(os.path.join(folder, "*.jsonl*"))):
        with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)[field]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours")
    parser.add_argument("corpus")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--field", default="text")
    parser.add_argument("--save")
    parser.add_argument("--initial-alphabet", default="utf8", choices=["utf8", "bytes", "none"])
    arguments = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    try:
        import tokenizers
    except ImportError:
        sys.exit("skipped: the Python package 'tokenizers' is not installed")
    from tokenizers import Tokenizer, models, trainers

    with open(arguments.ours, encoding="utf-8") as f:
        ours = json.load(f)
    added = {token["content"] for token in ours["added_tokens"]}
    merges = [m.split(" ", 1) if isinstance(m, str) else m for m in ours["model"]["merges"]]
    by_id = sorted(ours["model"]["vocab"].items(), key=lambda item: item[1])
    single = {chr(c) for c in range(512)}
    merged = {a + b for a, b in merges}
    outside = set(map(chr, [0xC0, 0xC1, *range(0xF5, 0x100)]))
    vocab = [token for token, _ in by_id if token not in added and (token in merged or token in single - outside)]

    hf = Tokenizer(models.BPE())
    hf.pre_tokenizer = Tokenizer.from_file(arguments.ours).pre_tokenizer
    every = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    alphabet = {"utf8": [c for c in every if c not in outside], "bytes": every, "none": []}[arguments.initial_alphabet]
    trainer = trainers.BpeTrainer(vocab_size=len(vocab), initial_alphabet=alphabet, special_tokens=[], show_progress=False)
    wall, cpu = time.time(), time.process_time()
    hf.train_from_iterator(documents(arguments.corpus, arguments.field), trainer)
    wall, cpu = time.time() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"tokenizers {tokenizers.__version__}, {arguments.threads} threads: {wall:.1f} s wall, {cpu:.1f} s CPU, peak {peak:.0f} MiB")
    if arguments.save:
        hf.save(arguments.save)
    theirs = json.loads(hf.to_str())["model"]
    their_merges = [m.split(" ", 1) if isinstance(m, str) else m for m in theirs["merges"]]
    their_vocab = [token for token, _ in sorted(theirs["vocab"].items(), key=lambda item: item[1])]
    wrong = [i for i, (a, b) in enumerate(zip(merges, their_merges)) if a != b]
    differences = len(wrong) + abs(len(merges) - len(their_merges))
    print(f"merges: {len(merges)} ours, {len(their_merges)} theirs, {differences} differences"
          + (f", first at {wrong[0]}: {merges[wrong[0]]} and {their_merges[wrong[0]]}" if wrong else ""))
    different = sum(a != b for a, b in zip(vocab, their_vocab)) + abs(len(vocab) - len(their_vocab))
    print(f"vocabulary: {len(vocab)} ours, {len(their_vocab)} theirs, {different} differences")
    sys.exit(1 if differences or different else 0)


main()
