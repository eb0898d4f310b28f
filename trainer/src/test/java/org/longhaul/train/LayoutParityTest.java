package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.batch.TokenSource;
import org.longhaul.config.ConfigLoader;
import org.longhaul.natives.CpuBackend;

/**
 * Every layout trains as one rank does: same losses, same norms, each gradient and each updated weight. Adam's epsilon is large
 * here: a weight whose gradient is nothing but rounding moves by the whole rate one way or the other with the usual one.
 */
class LayoutParityTest {
    private static final Map<String, LayoutRun> REFERENCES = new HashMap<>();
    private static final int STEPS = 3;

    @TempDir
    Path dir;

    @ParameterizedTest
    @CsvSource({
        // model, micro_batch, recompute, pipeline, data, tensor, virtual
        "mha,1,none,1,1,2,1", "mha,1,none,1,1,4,1", "mha,1,none,2,1,1,1", "mha,1,none,4,1,1,2", "mha,1,none,1,4,1,1",
        "mha,1,none,2,2,2,1", "mha,2,none,1,2,1,1", "mha,1,selective,2,1,2,1", "mha,1,full,2,1,2,1",
        "gqa,1,none,1,1,2,1", "gqa,1,none,2,2,2,1", "gqa,2,selective,1,2,2,1", "gqa,1,none,1,3,1,1",
        "uneven,1,none,2,1,1,1", "uneven,1,none,4,1,1,1", "uneven,1,full,3,2,1,1", "uneven,1,none,2,1,2,2"
    })
    void trainsAsOneRankDoes(String model, int micro, String recompute, int pipeline, int data, int tensor, int virtual) throws Exception {
        TrainConfig alone = config(model, micro, "none", 1, 1, 1, 1);
        LayoutRun reference = REFERENCES.computeIfAbsent(model, m -> run(alone));
        same(reference, run(config(model, micro, recompute, pipeline, data, tensor, virtual)));
    }

    @ParameterizedTest
    @CsvSource({
        // model, micro_batch, recompute, pipeline, data, tensor, virtual, tensor_chunks
        "mha,2,none,1,1,2,1,1", "gqa,1,selective,2,1,1,1,1", "gqa,1,none,2,2,2,1,1", "gqa,2,full,1,2,2,1,4", "uneven,1,none,4,1,1,1,1",
        "mha,1,none,2,1,2,2,2"
    })
    void withinDocumentsToo(String model, int micro, String recompute, int pipeline, int data, int tensor, int virtual, int chunks) throws Exception {
        TrainConfig alone = config(model, micro, "none", 1, 1, 1, 1, "data.document_mask=true");
        LayoutRun reference = REFERENCES.computeIfAbsent(model + " within documents", m -> run(alone));
        same(reference, run(config(model, micro, recompute, pipeline, data, tensor, virtual, "data.document_mask=true", "ranks.tensor_chunks=" + chunks)));
        LayoutRun open = REFERENCES.computeIfAbsent(model, m -> run(alone(model)));
        assertTrue(reference.gradients().against(open.gradients()).relative() > 1e-3, "the mask changes nothing");
    }

    private TrainConfig alone(String model) {
        try {
            return config(model, 1, "none", 1, 1, 1, 1);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void same(LayoutRun reference, LayoutRun run) {
        for (int i = 0; i < STEPS; i++) {
            assertEquals(reference.losses().get(i), run.losses().get(i), 2e-6 * reference.losses().get(i), "loss of step " + (i + 1));
            assertEquals(reference.norms().get(i), run.norms().get(i), 2e-6 * reference.norms().get(i), "norm of step " + (i + 1));
        }
        GlobalTensors.Difference gradients = run.gradients().against(reference.gradients());
        assertTrue(gradients.relative() <= 1e-6, "gradients: " + gradients);
        GlobalTensors.Difference weights = run.weights().against(reference.weights());
        assertTrue(weights.relative() <= 1e-6, "weights: " + weights);
    }

    /** Overlap changes when collectives run, never what they sum. */
    @Test
    void overlapChangesNoBit() throws Exception {
        LayoutRun with = run(config("gqa", 1, "none", 2, 2, 2, 1));
        LayoutRun without = run(config("gqa", 1, "none", 2, 2, 2, 1, "ranks.overlap_reduce=false", "ranks.overlap_gather=false",
                "ranks.prefetch_receives=false"));
        assertEquals(with.losses(), without.losses());
        assertEquals(with.gradients(), without.gradients());
        assertEquals(with.weights(), without.weights());
    }

    /** Products in chunks beside their collectives: the same sums, other tokens around the norms of each rank. */
    @ParameterizedTest
    @CsvSource({
        // model, micro_batch, recompute, pipeline, data, tensor, virtual, chunks; a rank of 2 has 8 tokens of 16, one of 4 has 4
        "mha,1,none,1,1,2,1,4", "mha,1,none,1,1,4,1,2", "mha,1,none,1,1,4,1,3", "mha,1,none,2,2,2,1,3", "gqa,1,none,1,1,2,1,5",
        "gqa,2,selective,1,2,2,1,7", "uneven,1,none,2,1,2,2,2", "mha,1,full,2,1,2,1,3", "gqa,1,selective,1,1,2,1,100", "mha,2,full,1,1,4,1,5"
    })
    void chunksTrainAsOneRankDoes(
            String model, int micro, String recompute, int pipeline, int data, int tensor, int virtual, int chunks) throws Exception {
        TrainConfig alone = config(model, micro, "none", 1, 1, 1, 1);
        LayoutRun reference = REFERENCES.computeIfAbsent(model, m -> run(alone));
        same(reference, run(config(model, micro, recompute, pipeline, data, tensor, virtual, "ranks.tensor_chunks=" + chunks)));
    }

    /** What is neither waited for nor left alone until it has travelled would change results here every time. */
    @ParameterizedTest
    @CsvSource({"none", "selective", "full"})
    void collectivesMayEndAsLateAsTheyAreWaitedFor(String recompute) throws Exception {
        TrainConfig config = config("gqa", 1, recompute, 2, 1, 2, 1, "ranks.tensor_chunks=3");
        LayoutRun soon = run(config);
        List<LateBackend> backends = new ArrayList<>();
        LayoutRun late = LayoutRun.inProcess(config, tokens(config.model().vocab()), STEPS, rank -> {
            backends.add(new LateBackend("tensor parallel"));
            return backends.get(rank);
        }, Duration.ofSeconds(60));
        backends.forEach(b -> assertTrue(b.lateWork() > 100, "late work: " + b.lateWork()));
        assertEquals(soon.losses(), late.losses());
        assertEquals(soon.gradients(), late.gradients());
        assertEquals(soon.weights(), late.weights());
    }

    private LayoutRun run(TrainConfig config) {
        return LayoutRun.inProcess(config, tokens(config.model().vocab()), STEPS, rank -> new CpuBackend(), Duration.ofSeconds(60));
    }

    private TrainConfig config(String model, int micro, String recompute, int pipeline, int data, int tensor, int virtual,
            String... overrides) throws Exception {
        String shape = switch (model) {
            case "mha" -> "layers: 8, heads: 4, kv_heads: 4";
            case "gqa" -> "layers: 2, heads: 8, kv_heads: 2";
            case "uneven" -> "layers: 5, heads: 4, kv_heads: 2";
            default -> throw new IllegalArgumentException(model);
        };
        Path file = dir.resolve("train.yaml");
        Files.writeString(file, """
                output: %s
                model: {%s, d_model: 64, ffn: 96, vocab: 160, context: 16}
                data: {path: unused}
                batch: {sequences: 24, micro_batch: %d}
                steps: 100
                schedule: {type: constant, peak: 3e-3, warmup_steps: 0}
                memory: {recompute: %s, loss_chunk: 24}
                z_loss: 1e-4
                optimizer: {epsilon: 1e-4}
                mesh: {pipeline: %d, data: %d, tensor: %d, virtual_stages: %d}
                """.formatted(dir, shape, micro, recompute, pipeline, data, tensor, virtual));
        return ConfigLoader.load(file, List.of(overrides), TrainConfig.class);
    }

    /** Tokens that follow each other often, so that there is something to learn. */
    private static TokenSource tokens(int vocab) {
        SplittableRandom random = new SplittableRandom(5);
        int[] ids = new int[4096];
        for (int i = 1; i < ids.length; i++) {
            ids[i] = random.nextInt(4) == 0 ? random.nextInt(vocab) : (ids[i - 1] * 7 + 3) % vocab;
        }
        return new TokenSource() {
            @Override
            public long tokens() {
                return ids.length;
            }

            @Override
            public void read(long position, int[] target, int offset, int count) {
                System.arraycopy(ids, (int) position, target, offset, count);
            }

            @Override
            public void documentStarts(long position, int[] starts, int offset, int count) {
                new RandomTokens(vocab, 5).documentStarts(position, starts, offset, count);
            }
        };
    }
}
