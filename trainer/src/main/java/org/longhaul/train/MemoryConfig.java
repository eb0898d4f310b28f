package org.longhaul.train;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.model.Recompute;

/** Memory against time. */
@Doc("Memory against time.")
public record MemoryConfig(
        @Doc("What the backward computes again instead of keeping: none, selective (norms and SwiGLU) or full (whole layers).")
                @Default("none") Recompute recompute,
        @Doc("Tokens whose logits exist at once in the loss head; 0 chooses.") @Default("0") long lossChunk) {
    /** Checks the range. */
    public MemoryConfig {
        if (lossChunk < 0) {
            throw new IllegalArgumentException("loss_chunk must not be negative: " + lossChunk);
        }
    }

    /**
     * The chunk in force for a micro-batch. By default a GPU takes 8192 tokens, which keep its matrix products busy; the CPU about
     * 64 MiB of logits, in multiples of 512 tokens where possible.
     */
    public long chunk(long tokens, long vocab, DeviceConfig.Kind kind) {
        if (lossChunk > 0) {
            return Math.min(lossChunk, tokens);
        }
        if (kind == DeviceConfig.Kind.CUDA) {
            return Math.min(tokens, 8192);
        }
        long fit = Math.max(1, (64L << 20) / (4 * vocab));
        return Math.min(tokens, fit >= 512 ? fit / 512 * 512 : fit);
    }
}
