package org.longhaul.data.dedup;

/**
 * The family of hash functions of MinHash: lane i maps h to ((a_i·h + b_i) mod 2^64) mod (2^61 − 1). The wrap-around before
 * the second modulus is part of datatrove's definition. Constants are drawn from MT19937 with seed 1.
 */
final class Lanes {
    static final long PRIME = (1L << 61) - 1;

    final long[] a;
    final long[] b;

    Lanes(int count) {
        Mt19937 random = new Mt19937(1);
        a = new long[count];
        b = new long[count];
        for (int i = 0; i < count; i++) {
            a[i] = 1 + random.nextBounded(PRIME - 2);
        }
        for (int i = 0; i < count; i++) {
            b[i] = random.nextBounded(PRIME - 1);
        }
    }

    /** A signature that every hash lowers. */
    long[] empty() {
        long[] signature = new long[a.length];
        java.util.Arrays.fill(signature, Long.MAX_VALUE);
        return signature;
    }

    /** Lowers each lane of the signature to its value for h. */
    void lower(long[] signature, long h) {
        for (int i = 0; i < signature.length; i++) {
            long x = a[i] * h + b[i];
            long r = (x & PRIME) + (x >>> 61);
            r = r >= PRIME ? r - PRIME : r;
            signature[i] = Math.min(signature[i], r);
        }
    }
}
