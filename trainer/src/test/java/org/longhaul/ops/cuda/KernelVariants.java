package org.longhaul.ops.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.longhaul.tensor.DType;

/** The checks that every kernel which stands to be chosen must pass. */
final class KernelVariants {
    private KernelVariants() {}

    /** Small grids, so that blocks walk many rows of a small check; 0 for those of the machine. */
    static void grid(KernelOps ops, int multiprocessors) {
        ops.normKernels().variants().grid(multiprocessors);
        ops.lossKernels().variants().grid(multiprocessors);
    }

    /** What an operation is checked with: odd numbers of rows, widths of models and odd ones, results over their operands. */
    static List<ToDoubleFunction<Workbench>> checks(String operation, boolean quick) {
        List<ToDoubleFunction<Workbench>> checks = new ArrayList<>();
        int[] widths = quick ? new int[] {64, 200, 768, 2048, 4096} : new int[] {8, 64, 200, 768, 1000, 2048, 3072, 4096, 5120, 8192};
        int[] heights = quick ? new int[] {1, 75} : new int[] {1, 37, 75};
        switch (operation) {
            case "rmsNorm" -> {
                for (int width : widths) {
                    for (int rows : heights) {
                        checks.add(b -> OpsChecks.norms(b, rows, width, 0));
                    }
                }
            }
            case "rmsNormBackward" -> {
                for (int width : widths) {
                    for (int rows : heights) {
                        checks.add(b -> OpsChecks.normBackward(b, rows, width, 0, (rows + width / 8) % 4));
                    }
                }
                for (int i = 0; i < 4; i++) {
                    int alias = i;
                    checks.add(b -> OpsChecks.normBackward(b, 101, 768, 0, alias));
                    checks.add(b -> OpsChecks.normBackward(b, 19, 2048, 0, alias));
                }
            }
            case "crossEntropy" -> {
                // A single loss of a narrow row may cancel to nothing, which no bound on its relative error survives.
                checks.add(b -> LossChecks.whole(b, 31, 5, 0));
                for (int width : quick ? new int[] {100, 1000, 16001} : new int[] {100, 1000, 16001, 50257, 102400}) {
                    for (int rows : quick ? new int[] {1, 9} : new int[] {1, 2, width > 20_000 ? 9 : 61}) {
                        checks.add(b -> LossChecks.whole(b, rows, width, 0));
                    }
                    checks.add(b -> LossChecks.whole(b, 3, width, 1));
                }
            }
            case "adamW" -> {
                for (int n : new int[] {1, 7, 1023, 1024, 2049, quick ? 20_000 : 1_000_003}) {
                    checks.add(b -> OpsChecks.adamW(b, n, DType.F32, true));
                }
                checks.add(b -> OpsChecks.adamW(b, 3000, DType.F32, false));
                checks.add(b -> OpsChecks.adamW(b, 3000, DType.BF16, true));
            }
            default -> throw new IllegalArgumentException("no variants of " + operation);
        }
        return checks;
    }
}
