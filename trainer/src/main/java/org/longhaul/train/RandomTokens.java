package org.longhaul.train;

import java.util.SplittableRandom;
import org.longhaul.batch.TokenSource;

/** Tokens drawn from a seed, as many as anyone wants: half of them follow from the one before, so that there is something to learn. */
final class RandomTokens implements TokenSource {
    private static final int BLOCK = 1 << 16;

    private final int vocab;
    private final long seed;

    RandomTokens(int vocab, long seed) {
        this.vocab = vocab;
        this.seed = seed;
    }

    @Override
    public long tokens() {
        return 1L << 40;
    }

    @Override
    public void read(long position, int[] target, int offset, int count) {
        int done = 0;
        while (done < count) {
            long block = (position + done) / BLOCK;
            int within = (int) ((position + done) % BLOCK);
            int n = Math.min(count - done, BLOCK - within);
            SplittableRandom random = new SplittableRandom(seed * 0x9e3779b97f4a7c15L + block);
            int previous = 0;
            for (int i = 0; i < within + n; i++) {
                int drawn = random.nextInt(2 * vocab);
                previous = drawn < vocab ? drawn : (int) ((previous * 48271L + 11) % vocab);
                if (i >= within) {
                    target[offset + done + i - within] = previous;
                }
            }
            done += n;
        }
    }
}
