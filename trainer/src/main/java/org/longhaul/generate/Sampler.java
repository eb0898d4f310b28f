package org.longhaul.generate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;

/** Draws tokens from logits; equal seeds and logits give equal tokens. */
final class Sampler {
    private final SamplerConfig config;
    private final SplittableRandom random;

    Sampler(SamplerConfig config, long seed) {
        this.config = config;
        this.random = new SplittableRandom(seed);
    }

    /** The next token; the earlier one wins between equals. */
    int next(float[] logits) {
        if (config.temperature() == 0) {
            return likeliest(logits);
        }
        Integer[] order = new Integer[logits.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(Comparator.naturalOrder()));
        double[] weights = new double[logits.length];
        double total = 0;
        for (int i = 0; i < order.length; i++) {
            weights[i] = Math.exp((logits[order[i]] - logits[order[0]]) / config.temperature());
            total += weights[i];
        }
        int kept = config.topK() == 0 ? order.length : Math.min(config.topK(), order.length);
        double nucleus = 0;
        for (int i = 0; i < kept; i++) {
            nucleus += weights[i];
            if (nucleus >= config.topP() * total) {
                kept = i + 1;
            }
        }
        double point = random.nextDouble() * nucleus;
        for (int i = 0; i < kept; i++) {
            point -= weights[i];
            if (point < 0) {
                return order[i];
            }
        }
        return order[kept - 1];
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }
}
