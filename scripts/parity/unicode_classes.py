#!/usr/bin/env python3
"""Writes the character classes that Hugging Face's pre-tokenizers really use, asked of the library itself, code point by
code point: white space, \\p{L} and \\p{N} of its regex engine and the numeric test of its Digits step. The output is the
resource tokenizer/src/main/resources/org/longhaul/tokenizer/unicode-classes.txt (hexadecimal ranges, one class a line).

usage: unicode_classes.py > unicode-classes.txt
"""
import sys

try:
    import tokenizers
    from tokenizers import Regex, pre_tokenizers
except ImportError:
    sys.exit("skipped: the Python package 'tokenizers' is not installed")


def members(splitter):
    """Code points that the splitter isolates, probed between two vertical bars, which no class contains."""
    found = []
    for start in range(0, 0x110000, 4096):
        points = [c for c in range(start, start + 4096) if not 0xD800 <= c < 0xE000]
        if not points:
            continue
        text = "|".join(["", *map(chr, points), ""])
        if start == 0:
            text = text.replace("|||", "|\x00|")  # the bar itself; no class has it
        pieces = {offsets[0] for piece, offsets in splitter.pre_tokenize_str(text) if len(piece) == 1 and piece != "|"}
        for i, c in enumerate(points):
            if 2 * i + 1 in pieces and c != ord("|"):
                found.append(c)
    return found


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in out)


def main():
    classes = {
        "space": pre_tokenizers.Split(Regex(r"\s"), "isolated"),
        "letter": pre_tokenizers.Split(Regex(r"\p{L}"), "isolated"),
        "number": pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"),
        "numeric": pre_tokenizers.Digits(individual_digits=True),
    }
    print(f"# Made by scripts/parity/unicode_classes.py with tokenizers {tokenizers.__version__}; do not edit.")
    for name, splitter in classes.items():
        print(name, ranges(members(splitter)))


main()
