package org.longhaul.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final float[] LOGITS = {0f, (float) Math.log(6), (float) Math.log(3), -50f};

    private static double[] shares(SamplerConfig config) {
        Sampler sampler = new Sampler(config, 7);
        double[] shares = new double[LOGITS.length];
        int draws = 40_000;
        for (int i = 0; i < draws; i++) {
            shares[sampler.next(LOGITS)] += 1.0 / draws;
        }
        return shares;
    }

    private static void assertShares(double[] found, double... wanted) {
        for (int i = 0; i < wanted.length; i++) {
            assertEquals(wanted[i], found[i], 0.01, "token " + i);
        }
    }

    @Test
    void drawsFollowTheSoftmax() {
        assertShares(shares(new SamplerConfig(1, 0, 1)), 0.1, 0.6, 0.3, 0);
    }

    @Test
    void temperatureSharpensAndZeroTakesTheLikeliest() {
        assertShares(shares(new SamplerConfig(0.5, 0, 1)), 1 / 46.0, 36 / 46.0, 9 / 46.0, 0);
        assertShares(shares(new SamplerConfig(0, 0, 1)), 0, 1, 0, 0);
    }

    @Test
    void topKAndTopPCutTheTail() {
        assertShares(shares(new SamplerConfig(1, 2, 1)), 0, 2 / 3.0, 1 / 3.0, 0);
        assertShares(shares(new SamplerConfig(1, 0, 0.7)), 0, 2 / 3.0, 1 / 3.0, 0);
        assertShares(shares(new SamplerConfig(1, 0, 0.5)), 0, 1, 0, 0);
        assertShares(shares(new SamplerConfig(1, 99, 0.95)), 0.1, 0.6, 0.3, 0);
    }

    @Test
    void equalSeedsDrawEqually() {
        Sampler a = new Sampler(new SamplerConfig(1, 0, 1), 3);
        Sampler b = new Sampler(new SamplerConfig(1, 0, 1), 3);
        for (int i = 0; i < 100; i++) {
            assertEquals(a.next(LOGITS), b.next(LOGITS));
        }
    }

    @Test
    void impossibleSettingsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new SamplerConfig(-1, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> new SamplerConfig(1, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> new SamplerConfig(1, 0, 0));
    }
}
