package org.longhaul.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

class LanguageModelTest {
    private static final ModelConfig MODEL = new ModelConfig(3, 32, 4, 2, 48, 71, 16, 10000, 1e-6, 0.3);
    private static final int[] TOKENS = new Random(4).ints(16, 0, 71).toArray();

    private static ParameterStore weights(Backend backend, boolean training) {
        ParameterStore store = new ParameterStore(backend, ParameterLayout.single(MODEL), Communicator.single("test"), training);
        store.initialise(11);
        return store;
    }

    @Test
    void logitsAreThoseThatTheTrainingLossIsMadeOf() {
        try (Backend backend = new CpuBackend()) {
            float[] losses = trainingLosses(backend);
            try (LanguageModel model = LanguageModel.of(backend, weights(backend, false), 16)) {
                for (int length = 1; length < 16; length++) {
                    float[] logits = model.logits(TOKENS, 0, length);
                    double sum = 0;
                    for (float logit : logits) {
                        sum += Math.exp(logit);
                    }
                    assertEquals(losses[length - 1], Math.log(sum) - logits[TOKENS[length]], 2e-5, "after " + length + " tokens");
                }
            }
        }
    }

    @Test
    void rememberedTokensGiveTheLogitsOfAFreshReading() {
        try (Backend backend = new CpuBackend(1);
                LanguageModel growing = LanguageModel.of(backend, weights(backend, false), 16);
                LanguageModel moving = LanguageModel.of(backend, weights(backend, false), 6)) {
            for (int length = 1; length <= 16; length++) {
                try (LanguageModel fresh = LanguageModel.of(backend, weights(backend, false), 16)) {
                    assertArrayEquals(fresh.logits(TOKENS, 0, length), growing.logits(TOKENS, 0, length), 1e-4f, "after " + length);
                    int from = Math.max(0, length - 6);
                    assertArrayEquals(fresh.logits(TOKENS, from, length), moving.logits(TOKENS, from, length), 1e-4f, "window to " + length);
                }
            }
            int[] other = TOKENS.clone();
            other[3]++;
            try (LanguageModel fresh = LanguageModel.of(backend, weights(backend, false), 16)) {
                assertArrayEquals(fresh.logits(other, 0, 9), growing.logits(other, 0, 9), 1e-4f, "another text");
            }
        }
    }

    private static float[] trainingLosses(Backend backend) {
        ParameterStore store = weights(backend, true);
        ModelStage.Options options = new ModelStage.Options(Recompute.NONE, 1, 16, 0, true);
        ModelStage stage = new ModelStage(backend, store, 1, 16, options, Communicator.single("test"));
        int[] targets = new int[16];
        System.arraycopy(TOKENS, 1, targets, 0, 15);
        Host.put(backend, stage.tokens(0), TOKENS);
        Host.put(backend, stage.targets(0), targets);
        Host.put(backend, stage.gradientScale(), 1f);
        stage.forward(0);
        stage.backward(0, true, bucket -> {});
        float[] losses = Host.floats(backend, stage.losses(0));
        stage.close();
        store.close();
        return losses;
    }

    @Test
    void aLongerWindowChangesNothingAndWhatIsBehindTheEndIsNotSeen() {
        try (Backend backend = new CpuBackend();
                LanguageModel narrow = LanguageModel.of(backend, weights(backend, false), 8);
                LanguageModel wide = LanguageModel.of(backend, weights(backend, false), 16)) {
            assertArrayEquals(narrow.logits(TOKENS, 0, 8), wide.logits(TOKENS, 0, 8), 1e-5f);
            assertThrows(IllegalArgumentException.class, () -> narrow.logits(TOKENS, 0, 9));
        }
    }
}
