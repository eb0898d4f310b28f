package org.longhaul.model;

import org.longhaul.ops.DocumentIndex;
import org.longhaul.tensor.DType;

/**
 * Plans the activation buffers of a stage. The moments of scratch buffers follow one schedule: the embedding at 5, the eight
 * steps of a block's forward at 10 to 17 with carry-over to 18, the loss head at 30 to 33, the recomputation of a block at 50
 * to 55 and its backward at 56 to 65, the embedding's backward at 70.
 */
final class StagePlan {
    private final ActivationPlan plan;
    private final ModelConfig config;
    private final StageRange stage;
    private final BatchShape shape;
    private final Recompute recompute;
    private final DType type;
    private final long tokens;
    private final long local;
    private final long d;
    private final boolean apart;
    private final boolean whole;

    private StagePlan(ModelConfig config, StageRange stage, BatchShape shape, Recompute recompute, DType type, int slots, int tensorChunks) {
        this.config = config;
        this.stage = stage;
        this.shape = shape;
        this.recompute = recompute;
        this.type = type;
        this.plan = new ActivationPlan(slots);
        this.tokens = shape.tokens();
        this.local = shape.localTokens();
        this.d = config.dModel();
        this.apart = SequenceSplit.overlaps(shape, tensorChunks);
        this.whole = DecoderBlock.addsResiduals(shape.tensorSize());
    }

    /**
     * The plan of one stage.
     *
     * @param type the compute type
     * @param slots micro-batches in flight
     * @param lossChunk tokens per chunk of the loss head
     * @param training false plans the forward pass alone
     * @param tensorChunks parts that tensor-parallel collectives are cut into
     * @param documentMask whether tokens attend within their document only
     */
    static ActivationPlan of(
            ModelConfig config, StageRange stage, BatchShape shape, Recompute recompute, DType type, int slots, long lossChunk,
            boolean training, int tensorChunks, boolean documentMask) {
        StagePlan p = new StagePlan(config, stage, shape, recompute, type, slots, tensorChunks);
        p.ends();
        if (documentMask) {
            p.plan.keep("documents", DType.I32, new DocumentIndex(config.attention(shape)).elements());
        }
        if (training) {
            p.keptLayers();
            p.blockForwardScratch(recompute != Recompute.NONE, recompute == Recompute.FULL);
            p.backwardScratch();
        } else {
            p.plan.scratch("f.x1", type, 5, 18, p.local, p.d);
            p.plan.scratch("f.rstd1", DType.F32, 10, 18, p.local);
            p.plan.scratch("f.rstd2", DType.F32, 14, 18, p.local);
            p.blockForwardScratch(true, true);
        }
        if (stage.last()) {
            p.head(lossChunk, training);
        }
        p.plan.place();
        return p.plan;
    }

    private void ends() {
        if (stage.first()) {
            plan.keep("tokens", DType.I32, tokens);
        }
        plan.keep("output", type, local, d);
        if (stage.last()) {
            plan.keep("targets", DType.I32, tokens);
            plan.keep("loss", DType.F32, tokens);
        }
        if (!whole) {
            plan.scratch("wide", type, 5, 18, tokens, d);
        }
        local("wide_local", 5, 18);
    }

    private void keptLayers() {
        plan.keep("gradient", type, local, d);
        for (int layer = stage.firstLayer(); layer < stage.endLayer(); layer++) {
            String p = "layers." + layer + ".";
            plan.keep(p + "x1", type, local, d);
            if (recompute == Recompute.FULL) {
                continue;
            }
            plan.keep(p + "rstd1", DType.F32, local);
            plan.keep(p + "qkv", type, tokens, qkvWidth());
            plan.keep(p + "attention", type, tokens, attentionWidth());
            plan.keep(p + "lse", DType.F32, shape.batch(), config.heads() / shape.tensorSize(), shape.sequence());
            plan.keep(p + "x2", type, local, d);
            plan.keep(p + "rstd2", DType.F32, local);
            plan.keep(p + "gate_up", type, tokens, 2 * ffn());
            if (recompute == Recompute.NONE) {
                plan.keep(p + "n1", type, tokens, d);
                plan.keep(p + "n2", type, tokens, d);
                plan.keep(p + "h", type, tokens, ffn());
            }
        }
    }

    // A rank's own tokens lie apart from those of all where collectives go in chunks.
    private void local(String name, int first, int last) {
        if (apart) {
            plan.scratch(name, type, first, last, local, d);
        }
    }

    private void blockForwardScratch(boolean cheap, boolean everything) {
        local("f.n1_local", 10, 11);
        local("f.n2_local", 14, 15);
        if (cheap) {
            plan.scratch("f.n1", type, 10, 11, tokens, d);
            plan.scratch("f.n2", type, 14, 15, tokens, d);
            plan.scratch("f.h", type, 16, 17, tokens, ffn());
        }
        if (everything) {
            if (recompute == Recompute.FULL && !plan.has("f.rstd1")) {
                plan.scratch("f.rstd1", DType.F32, 10, 18, local);
                plan.scratch("f.rstd2", DType.F32, 14, 18, local);
            }
            plan.scratch("f.qkv", type, 11, 12, tokens, qkvWidth());
            plan.scratch("f.attention", type, 12, 13, tokens, attentionWidth());
            plan.scratch("f.lse", DType.F32, 12, 13, shape.batch(), config.heads() / shape.tensorSize(), shape.sequence());
            plan.scratch("f.x2", type, whole ? 13 : 10, whole ? 17 : 18, local, d);
            plan.scratch("f.gate_up", type, 15, 16, tokens, 2 * ffn());
        }
    }

    private void backwardScratch() {
        boolean full = recompute == Recompute.FULL;
        if (full) {
            if (!whole) {
                plan.scratch("b.wide", type, 53, 54, tokens, d);
            }
            local("b.wide_local", 53, 54);
            plan.scratch("b.rstd1", DType.F32, 50, 65, local);
            plan.scratch("b.qkv", type, 51, 63, tokens, qkvWidth());
            plan.scratch("b.attention", type, 52, 63, tokens, attentionWidth());
            plan.scratch("b.lse", DType.F32, 52, 63, shape.batch(), config.heads() / shape.tensorSize(), shape.sequence());
            plan.scratch("b.x2", type, whole ? 53 : 54, 61, local, d);
            plan.scratch("b.rstd2", DType.F32, 54, 61, local);
            plan.scratch("b.gate_up", type, 55, 60, tokens, 2 * ffn());
        }
        if (recompute != Recompute.NONE) {
            plan.scratch("b.n1", type, full ? 50 : 64, 64, tokens, d);
            plan.scratch("b.n2", type, full ? 54 : 60, 60, tokens, d);
            local("b.n1_local", full ? 50 : 64, full ? 51 : 64);
            local("b.n2_local", full ? 54 : 60, full ? 55 : 60);
            plan.scratch("b.h", type, 58, 59, tokens, ffn());
        }
        if (shape.tensorSize() > 1) {
            plan.scratch("b.gathered", type, 56, 70, tokens, d);
        }
        plan.scratch("b.dh", type, 57, 58, tokens, ffn());
        plan.scratch("b.dwide", type, 60, 65, tokens, d);
        local("b.dwide_local", 60, 65);
        plan.scratch("b.dattention", type, 62, 63, tokens, attentionWidth());
        plan.scratch("b.dqkv", type, 63, 64, tokens, qkvWidth());
    }

    private void head(long lossChunk, boolean training) {
        plan.scratch("head.rstd", DType.F32, 30, 33, local);
        plan.scratch("head.normed", type, 30, 33, tokens, d);
        local("head.normed_local", 30, 33);
        plan.scratch("head.logits", type, 31, 32, Math.min(lossChunk, tokens), config.vocab() / shape.tensorSize());
        if (training) {
            plan.scratch("head.dnormed", type, 31, 33, tokens, d);
            local("head.dnormed_local", 31, 33);
        }
        if (shape.tensorSize() > 1) {
            for (String name : new String[] {"max", "global_max", "sum", "target"}) {
                plan.scratch("head." + name, DType.F32, 31, 32, Math.min(lossChunk, tokens));
            }
        }
    }

    private long qkvWidth() {
        return config.qkvWidth() / shape.tensorSize();
    }

    private long attentionWidth() {
        return (long) config.heads() * config.headDim() / shape.tensorSize();
    }

    private long ffn() {
        return config.ffn() / shape.tensorSize();
    }
}
