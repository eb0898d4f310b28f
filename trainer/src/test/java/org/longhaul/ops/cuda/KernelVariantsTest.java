package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.tensor.DType;

/** Every kernel that stands to be chosen is right, compiled for the CPU with asynchronous copies done at once and as late as allowed. */
class KernelVariantsTest {
    @TempDir
    static Path folder;

    @BeforeAll
    static void compiler() {
        Assumptions.assumeTrue(KernelEmulator.available(), "needs g++ to emulate the CUDA kernels");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rmsNorm", "rmsNormBackward", "crossEntropy", "adamW"})
    void everyWayIsRight(String operation) {
        long seed = Long.getLong("longhaul.seed", 20261124);
        List<String> wrong = new ArrayList<>();
        for (DType compute : new DType[] {DType.BF16, DType.F32}) {
            for (KernelCandidates.Candidate candidate : KernelCandidates.of(operation)) {
                if (candidate.standard()) {
                    continue;
                }
                EmulatedBackend backend = new EmulatedBackend(new KernelEmulator(compute, 2, 160 * 1024, folder));
                candidate.choose().accept((KernelOps) backend.ops());
                KernelVariants.grid((KernelOps) backend.ops(), 1);
                for (ToDoubleFunction<Workbench> check : KernelVariants.checks(operation, true)) {
                    try (Workbench bench = new Workbench(backend, seed)) {
                        check.applyAsDouble(bench);
                    } catch (AssertionError | RuntimeException e) {
                        wrong.add(candidate.name() + " in " + compute + ": " + e.getMessage());
                    }
                }
            }
        }
        assertTrue(wrong.isEmpty(), "seed " + seed + "\n" + String.join("\n", wrong));
    }

    @Test
    void aWrongNameIsAnsweredWithThoseThereAre() {
        assertEquals("lean 8", KernelCandidates.named("rmsNorm=lean 8").name());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> KernelCandidates.named("rmsNorm=lean 9")).getMessage().contains("lean 8"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> KernelCandidates.named("crossEntropy")).getMessage().contains("ahead 4"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> KernelCandidates.named("rope=x")).getMessage().contains("adamW"));
    }
}
