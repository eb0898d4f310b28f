package org.longhaul.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;
import org.longhaul.metrics.Flops;
import org.longhaul.model.ModelConfig;
import org.longhaul.parallel.Mesh;
import org.longhaul.train.RankMemory;
import org.longhaul.train.TrainConfig;

/** The plan's figures against the paper's tables, and its refusals. */
class PlanTest {
    @ParameterizedTest
    @CsvSource({
        // arXiv 2401.02954, table 3: layers, width, N1, N2, M, 6N1/M, 6N2/M
        "8, 512, 25.2e6, 77.6e6, 352e6, 0.43, 1.32",
        "12, 768, 84.9e6, 164e6, 963e6, 0.53, 1.02",
        "24, 1024, 302e6, 407e6, 3.02e9, 0.60, 0.81",
        "24, 2048, 1.21e9, 1.42e9, 9.66e9, 0.75, 0.88",
        "32, 4096, 6.44e9, 6.86e9, 45.1e9, 0.85, 0.91",
        "40, 5120, 12.6e9, 13.1e9, 85.6e9, 0.88, 0.92",
        "80, 8192, 64.4e9, 65.3e9, 419e9, 0.92, 0.94",
    })
    void paperTable3(int layers, int width, double n1, double n2, double m, double ratio1, double ratio2) {
        ModelConfig c = new ModelConfig(layers, width, width / 64, 0, 0, 102400, 4096, 1e4, 1e-6, 0.006);
        assertEquals(n1, Flops.paperN1(c), 0.005 * n1);
        assertEquals(n2, Flops.paperN2(c), 0.005 * n2);
        assertEquals(m, Flops.paperM(c), 0.005 * m);
        // The paper cuts the third digit off where others round.
        assertEquals(ratio1, 6.0 * Flops.paperN1(c) / Flops.paperM(c), 0.0075);
        assertEquals(ratio2, 6.0 * Flops.paperN2(c) / Flops.paperM(c), 0.0075);
    }

    @Test
    void recipesHaveThePapersSizes() {
        String seven = report("7b.yaml", 128);
        assertTrue(seven.contains("parameters         6.910B (6,910,365,696), without embedding and head 6.072B"), seven);
        assertTrue(seven.contains("2.000T tokens"), seven);
        String large = report("67b.yaml", 512);
        assertTrue(large.contains("parameters         67.425B (67,425,001,472), without embedding and head 65.747B"), large);
        assertTrue(large.contains("GiB on the fullest rank, a GPU has 139.00 GiB"), large);
    }

    @Test
    void aWarmUpBeyondTheEndIsNamed() {
        TrainConfig usual = load("7b.yaml");
        assertEquals("", usual.doubt());
        TrainConfig cut = with("7b.yaml", "steps=1999");
        assertTrue(cut.doubt().startsWith("the warm-up of 2,000 steps is longer than the run of 1,999, "), cut.doubt());
        assertTrue(new PlanReport(cut, 8, 139L << 30, 0).text().contains("doubtful           " + cut.doubt()));
        assertEquals("", with("7b.yaml", "steps=2000").doubt());
    }

    @Test
    void everyStageHoldsItsShare() {
        TrainConfig config = load("67b.yaml");
        List<RankMemory> ranks = RankMemory.of(config, new Mesh(4, 16, 8, 1));
        assertEquals(95, ranks.stream().mapToInt(RankMemory::layers).sum());
        long weights = ranks.stream().mapToLong(r -> r.rows().get("weights, BF16")).sum();
        double share = 2.0 * Flops.parameters(config.model()) / 8;
        // Norm weights are on every tensor rank; padding adds a little.
        assertEquals(share, weights, 0.001 * share);
        long staged = 8 * 16 * ranks.stream().mapToLong(RankMemory::staged).sum();
        assertEquals(12.0 * Flops.parameters(config.model()), staged, 0.001 * staged);
        String report = new PlanReport(config, 4 * 16 * 8, 139L << 30, 0).text();
        assertTrue(report.contains("GiB a rank, which checkpoints are written from"), report);
    }

    @Test
    void impossibleLayoutsAreRefusedWithTheReason() {
        TrainConfig config = load("67b.yaml");
        UserError kvHeads = assertThrows(UserError.class, () -> new PlanReport(with("67b.yaml", "mesh.tensor=16"), 64, 1L << 40, 0).text());
        assertTrue(kvHeads.getMessage().contains("kv_heads must be a multiple of the tensor-parallel size 16: 8"), kvHeads.getMessage());
        UserError batch = assertThrows(UserError.class, () -> new PlanReport(config, 32 * 5, 1L << 40, 0).text());
        assertTrue(batch.getMessage().contains("batch.sequences must be a multiple"), batch.getMessage());
        UserError mesh = assertThrows(UserError.class, () -> new PlanReport(config, 33, 1L << 40, 0).text());
        assertTrue(mesh.getMessage().contains("mesh"), mesh.getMessage());
    }

    @Test
    void whatDoesNotFitComesWithWhatWould() {
        TrainConfig large = with("67b.yaml", "mesh.pipeline=1");
        PlanReport eight = new PlanReport(large, 8, 80L << 30, 0);
        String text = eight.text();
        assertTrue(text.contains("  none; with 16 GPUs: pp2.dp1.tp8, recompute selective\n"), text);
        assertTrue(eight.misfit().startsWith("pp1.dp1.tp8, recompute selective does not fit: 149.36 GiB on the fullest rank, a GPU has 80.00 GiB"), eight.misfit());
        assertEquals("", fitting(with("67b.yaml", "mesh.pipeline=2"), 16));
        TrainConfig wide = with("7b.yaml", "batch.micro_batch=16", "batch.sequences=128", "mesh.tensor=2");
        String crowded = new PlanReport(wide, 2, 66L << 30, 0).text();
        assertTrue(crowded.contains("none; with batch.micro_batch=1: pp"), crowded);
        PlanReport other = new PlanReport(with("7b.yaml", "batch.sequences=1024"), 8, 60L << 30, 0);
        other.text();
        assertTrue(other.misfit().contains("; these do: pp"), other.misfit());
    }

    @Test
    void theSpeedOfStorageIsThatOfAThirdOfTheLimit() {
        String text = report("67b.yaml", 1024);
        // 12 bytes for each of 67,425,001,472 parameters in 100 s.
        assertTrue(text.contains("storage            must take 7.54 GiB/s from all ranks together"), text);
    }

    private static String fitting(TrainConfig config, int processes) {
        PlanReport report = new PlanReport(config, processes, 80L << 30, 0);
        report.text();
        return report.misfit();
    }

    /** Numbers of GPUs that are no powers of two. */
    @Test
    void aThousandGpus() {
        String report = new PlanReport(with("67b.yaml", "mesh.pipeline=5", "batch.sequences=4600"), 1000, 139L << 30, 0).text();
        assertTrue(report.contains("\n  pp5.dp25.tp8, recompute none"), report);
        UserError mesh = assertThrows(UserError.class, () -> new PlanReport(load("67b.yaml"), 1000, 139L << 30, 0));
        assertTrue(mesh.getMessage().contains("needs 992 processes, 1000 run; give --processes that mesh and batch.sequences divide by, such as 768 or 1024, or "
                + "change mesh or batch.sequences"), mesh.getMessage());
        UserError batch = assertThrows(UserError.class, () -> new PlanReport(load("7b.yaml"), 1000, 139L << 30, 0));
        assertTrue(batch.getMessage().contains("2304 for 2 × 1000; 2000 or 4000 would do; give --processes that mesh and batch.sequences divide by, such as 576 or "
                + "1152"), batch.getMessage());
        UserError layouts = assertThrows(UserError.class, () -> new PlanReport(with("67b.yaml", "batch.sequences=4600"), 1000, 139L << 30, 0));
        assertTrue(layouts.getMessage().contains("or change mesh: of 1000 GPUs these fit: pp10.dp100.tp1, recompute none; "), layouts.getMessage());
    }

    @Test
    void numbersThatCannotBeAreRefused() {
        TrainConfig config = load("7b.yaml");
        assertThrows(UserError.class, () -> new PlanReport(config, -8, 139L << 30, 0));
        assertThrows(UserError.class, () -> new PlanReport(config, 8, 0, 0));
        assertThrows(UserError.class, () -> new PlanReport(config, 8, 139L << 30, -1));
    }

    @Test
    void aPlanOfOneGpuThatFitsRejectsNothing() {
        String report = new PlanReport(load("160m.yaml"), 1, 139L << 30, 0).text();
        assertTrue(report.contains("Layouts of 1 GPU that fit"), report);
        assertTrue(!report.contains("Rejected"), report);
    }

    private static String report(String recipe, int processes) {
        return new PlanReport(load(recipe), processes, 139L << 30, 500).text();
    }

    private static TrainConfig load(String recipe) {
        return with(recipe);
    }

    private static TrainConfig with(String recipe, String... overrides) {
        Path file = Path.of("../configs", recipe);
        Assumptions.assumeTrue(Files.exists(file), "the checkout's " + file + " is not here");
        return ConfigLoader.load(file, List.of(overrides), TrainConfig.class);
    }
}
