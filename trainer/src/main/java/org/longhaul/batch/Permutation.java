package org.longhaul.batch;

/**
 * A seeded pseudo-random permutation of 0 to n − 1 without a table: a balanced Feistel network over the next even power of
 * two, walked until it lands inside. Any element is found in constant expected time and no memory.
 */
final class Permutation {
    private static final int ROUNDS = 6;

    private final long size;
    private final int halfBits;
    private final long halfMask;
    private final long[] keys = new long[ROUNDS];

    /**
     * A permutation.
     *
     * @param key what makes it this one: seed, stage, epoch
     */
    Permutation(long size, long... key) {
        if (size < 1) {
            throw new IllegalArgumentException("a permutation needs at least one element: " + size);
        }
        this.size = size;
        int bits = Math.max(2, 64 - Long.numberOfLeadingZeros(size - 1));
        this.halfBits = (bits + 1) / 2;
        this.halfMask = (1L << halfBits) - 1;
        long state = 0x6c6f6e676861756cL;
        for (long k : key) {
            state = mix(state ^ k) + 0x9e3779b97f4a7c15L;
        }
        for (int i = 0; i < ROUNDS; i++) {
            keys[i] = mix(state + i);
        }
    }

    /** Where element {@code i} goes. */
    long at(long i) {
        if (i < 0 || i >= size) {
            throw new IndexOutOfBoundsException(i + " of " + size);
        }
        long x = i;
        do {
            x = network(x);
        } while (x >= size);
        return x;
    }

    private long network(long x) {
        long left = x >>> halfBits;
        long right = x & halfMask;
        for (long key : keys) {
            long next = left ^ (mix(right ^ key) & halfMask);
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }

    // The finaliser of SplitMix64 (Steele et al. 2014).
    private static long mix(long z) {
        long y = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        y = (y ^ (y >>> 27)) * 0x94d049bb133111ebL;
        return y ^ (y >>> 31);
    }
}
