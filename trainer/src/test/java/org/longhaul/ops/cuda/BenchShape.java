package org.longhaul.ops.cuda;

import java.util.List;
import org.longhaul.ops.AttentionShape;

/** The shapes of models that kernels are timed at: a micro-batch and its widths. */
record BenchShape(String name, int layers, int batch, int sequence, int d, int heads, int kvHeads, int f) {
    static final int VOCABULARY = 102_400;
    static final List<BenchShape> ALL = List.of(
            new BenchShape("160m", 12, 16, 2048, 768, 12, 12, 2048), new BenchShape("1b", 24, 4, 4096, 2048, 16, 16, 5504),
            new BenchShape("7b8", 8, 2, 4096, 4096, 32, 32, 11008), new BenchShape("67b2", 2, 2, 4096, 8192, 64, 8, 22016));

    int tokens() {
        return batch * sequence;
    }

    AttentionShape attention() {
        return new AttentionShape(batch, sequence, heads, kvHeads, d / heads);
    }
}
