package org.longhaul.optim;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.tensor.DType;

/** AdamW with decoupled decay on matrices, and clipping by the global gradient norm. */
@Doc("AdamW with decoupled weight decay on all matrices (not on norm weights), gradients clipped by their global norm.")
public record OptimizerConfig(
        @Doc("Decay of the first moment.") @Default("0.9") double beta1,
        @Doc("Decay of the second moment.") @Default("0.95") double beta2,
        @Doc("Added to the root of the second moment.") @Default("1e-8") double epsilon,
        @Doc("Multiplies learning rate times weight.") @Default("0.1") double weightDecay,
        @Doc("Largest global gradient norm; 0 turns clipping off.") @Default("1.0") double clip,
        @Doc("Type of the two moments: f32, or bf16, rounded at random so that they are right on average, which saves 4 bytes a parameter.")
                @Default("f32") Moments moments) {
    /** In what the moments are kept. */
    public enum Moments {
        /** Single precision. */
        F32(DType.F32),
        /** bfloat16 with stochastic rounding. */
        BF16(DType.BF16);

        private final DType type;

        Moments(DType type) {
            this.type = type;
        }

        /** The element type. */
        public DType type() {
            return type;
        }
    }

    /** Checks the ranges. */
    public OptimizerConfig {
        if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
            throw new IllegalArgumentException("beta1 and beta2 must lie in [0, 1): " + beta1 + ", " + beta2);
        }
        if ((float) beta1 == 1 || (float) beta2 == 1) {
            throw new IllegalArgumentException("beta1 and beta2 must be below 1 in single precision too, or moments never change: " + beta1 + ", " + beta2);
        }
        if (!(epsilon > 0)) {
            throw new IllegalArgumentException("epsilon must be above 0: " + epsilon);
        }
        if (epsilon < Float.MIN_NORMAL || epsilon > Float.MAX_VALUE) {
            throw new IllegalArgumentException("epsilon must lie within single precision: " + epsilon);
        }
        if (!(weightDecay >= 0)) {
            throw new IllegalArgumentException("weight_decay must not be negative: " + weightDecay);
        }
        if (!(clip >= 0)) {
            throw new IllegalArgumentException("clip must not be negative: " + clip);
        }
        if (clip > 0 && (clip < Float.MIN_NORMAL || clip > Float.MAX_VALUE)) {
            throw new IllegalArgumentException("clip must be 0 or lie within single precision: " + clip);
        }
    }
}
