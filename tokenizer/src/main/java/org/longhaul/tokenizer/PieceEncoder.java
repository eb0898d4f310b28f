package org.longhaul.tokenizer;

/** Encodes one piece exactly as merging by lowest rank, then leftmost, would. Holds scratch memory: one instance a thread. */
interface PieceEncoder {
    void encode(byte[] text, int from, int to, TokenBuffer out);
}
