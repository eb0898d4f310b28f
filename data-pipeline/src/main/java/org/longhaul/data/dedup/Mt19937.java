package org.longhaul.data.dedup;

/** Mersenne Twister (Matsumoto and Nishimura 1998) with the integer seeding and bounded draws of numpy's RandomState. */
final class Mt19937 {
    private static final int N = 624;
    private static final int M = 397;

    private final int[] state = new int[N];
    private int index = N;

    Mt19937(int seed) {
        state[0] = seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
        }
    }

    int nextInt() {
        if (index == N) {
            for (int i = 0; i < N; i++) {
                int y = state[i] & 0x80000000 | state[(i + 1) % N] & 0x7FFFFFFF;
                state[i] = state[(i + M) % N] ^ y >>> 1 ^ ((y & 1) == 0 ? 0 : 0x9908B0DF);
            }
            index = 0;
        }
        int y = state[index++];
        y ^= y >>> 11;
        y ^= y << 7 & 0x9D2C5680;
        y ^= y << 15 & 0xEFC60000;
        return y ^ y >>> 18;
    }

    /** A value of 0 … most (inclusive): two outputs, high word first, masked, drawn again while too large. */
    long nextBounded(long most) {
        long mask = -1L >>> Long.numberOfLeadingZeros(most);
        while (true) {
            long high = nextInt() & 0xFFFFFFFFL;
            long value = (high << 32 | nextInt() & 0xFFFFFFFFL) & mask;
            if (value <= most) {
                return value;
            }
        }
    }
}
