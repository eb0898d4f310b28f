package org.longhaul.tokenizer.bench;

/** Work that needs nothing but registers: how much faster more threads do it is all that the machine has to give. */
final class Arithmetic implements Stopwatch.Work {
    private static final int ITEMS = 100;
    private static final int STEPS = 100_000;

    /** Keeps the result in use. */
    private volatile long sink;

    @Override
    public int items() {
        return ITEMS;
    }

    @Override
    public void run(int item, int thread) {
        long x = item + 1;
        for (int i = 0; i < STEPS; i++) {
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
        }
        sink = x;
    }
}
