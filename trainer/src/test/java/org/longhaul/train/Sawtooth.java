package org.longhaul.train;

import org.longhaul.batch.TokenSource;

/** A made-up language: runs that count upwards, each from a start that looks random. */
record Sawtooth(long tokens) implements TokenSource {
    @Override
    public void read(long position, int[] target, int offset, int count) {
        for (int i = 0; i < count; i++) {
            long p = position + i;
            long run = p / 11;
            target[offset + i] = (int) ((run * 2654435761L >>> 7) % 80 + p % 11);
        }
    }
}
