package org.longhaul.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Ids of pieces of at most 15 bytes that encode to at most four tokens, in front of a {@link PieceEncoder}. Two-way, 2 MiB, bounded: a
 * new piece takes the place of the older of the two that share its line. The key is the piece itself, so an answer is never
 * wrong. One instance a thread.
 */
final class WordCache {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int LINES = 1 << 15;
    private static final int LONGEST = 15;
    private static final int INLINE = 4;
    private static final long[] MASKS = masks();

    /** Eight longs a line, four an entry: bytes 0-7, bytes 8-14 with the length on top, ids 0 and 1, ids 2 and 3 with their count on top. */
    private final long[] table = new long[LINES * 8];
    private final PieceEncoder encoder;

    WordCache(PieceEncoder encoder) {
        this.encoder = encoder;
    }

    private static long[] masks() {
        long[] masks = new long[9];
        for (int i = 1; i <= 8; i++) {
            masks[i] = -1L >>> 64 - 8 * i;
        }
        return masks;
    }

    void encode(byte[] text, int from, int to, TokenBuffer out) {
        int length = to - from;
        if (length > LONGEST) {
            encoder.encode(text, from, to, out);
            return;
        }
        long low;
        long high;
        if (from + 16 <= text.length) {
            low = (long) LONG.get(text, from);
            if (length <= 8) {
                low &= MASKS[length];
                high = 0;
            } else {
                high = (long) LONG.get(text, from + 8) & MASKS[length - 8];
            }
        } else {
            low = slowly(text, from, Math.min(to, from + 8));
            high = slowly(text, from + 8, to);
        }
        high |= (long) length << 56;
        long hash = (low ^ high * 0xC2B2AE3D27D4EB4FL) * 0x9E3779B97F4A7C15L;
        int at = (int) (hash >>> 64 - 15) << 3;
        long[] t = table;
        if (t[at] == low && t[at + 1] == high) {
            emit(out, t[at + 2], t[at + 3]);
        } else if (t[at + 4] == low && t[at + 5] == high) {
            emit(out, t[at + 6], t[at + 7]);
        } else {
            miss(text, from, to, out, low, high, at);
        }
    }

    private static long slowly(byte[] text, int from, int to) {
        long value = 0;
        for (int i = to - 1; i >= from; i--) {
            value = value << 8 | text[i] & 0xFF;
        }
        return value;
    }

    private static void emit(TokenBuffer out, long first, long second) {
        int size = out.size;
        if (out.ids.length - size < INLINE) {
            out.reserve(INLINE);
        }
        int[] ids = out.ids;
        ids[size] = (int) first;
        int count = (int) (second >>> 60);
        if (count > 1) {
            ids[size + 1] = (int) (first >>> 32);
            if (count > 2) {
                ids[size + 2] = (int) second;
                ids[size + 3] = (int) (second >>> 32) & 0xFFFFFFF;
            }
        }
        out.size = size + count;
    }

    private void miss(byte[] text, int from, int to, TokenBuffer out, long low, long high, int at) {
        int start = out.size;
        out.reserve(LONGEST + INLINE);
        encoder.encode(text, from, to, out);
        int count = out.size - start;
        if (count > INLINE) {
            return;
        }
        int[] ids = out.ids;
        for (int i = count; i < INLINE; i++) {
            ids[start + i] = 0;
        }
        if (ids[start + 3] >>> 28 != 0) {
            return;
        }
        System.arraycopy(table, at, table, at + 4, 4);
        table[at] = low;
        table[at + 1] = high;
        table[at + 2] = ids[start] & 0xFFFFFFFFL | (long) ids[start + 1] << 32;
        table[at + 3] = ids[start + 2] & 0xFFFFFFFFL | (long) ids[start + 3] << 32 | (long) count << 60;
    }
}
