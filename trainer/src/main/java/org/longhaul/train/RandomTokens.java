package org.longhaul.train;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.longhaul.batch.TokenSource;

/** Tokens drawn from a seed, as many as anyone wants: half of them follow from the one before, so that there is something to learn. */
final class RandomTokens implements TokenSource {
    private static final int BLOCK = 1 << 16;
    private static final int DOUBLINGS = 11;

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

    /** Documents of 1 to 1,024 tokens drawn from the seed, each doubling of length as often as the next; none crosses a block. */
    @Override
    public void documentStarts(long position, int[] starts, int offset, int count) {
        int done = 0;
        while (done < count) {
            long block = (position + done) / BLOCK;
            int first = (int) (block * BLOCK - position);
            SplittableRandom random = new SplittableRandom(~seed * 0x9e3779b97f4a7c15L + block);
            int end = Math.min(count, first + BLOCK);
            for (int from = first; from < end; ) {
                int to = from + 1 + random.nextInt(1 << random.nextInt(DOUBLINGS));
                int upTo = Math.min(end, to);
                if (upTo > done) {
                    Arrays.fill(starts, offset + done, offset + upTo, Math.max(0, from));
                    done = upTo;
                }
                from = to;
            }
        }
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
