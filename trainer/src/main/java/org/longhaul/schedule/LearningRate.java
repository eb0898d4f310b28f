package org.longhaul.schedule;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** The learning rate as a pure function of the step, so that it can be asked in any order and after any resume. */
@Doc("How the learning rate goes over the run.")
public sealed interface LearningRate {
    /**
     * The rate of one update.
     *
     * @param step counted from 1
     * @param steps length of the whole run, which a pause by stop_after does not change
     */
    double at(long step, long steps);

    /** Steps of linear warm-up. */
    long warmupSteps();

    /** The rate after warm-up, the highest of all. */
    double peak();

    /** DeepSeek LLM's schedule: linear warm-up, then constant in three stages (arXiv 2401.02954, section 2.3). */
    @Doc("Linear warm-up, then constant in three stages; the first stage can be used again with a longer budget.")
    record MultiStep(
            @Doc("Rate after warm-up.") double peak,
            @Doc("Steps of linear warm-up.") @Default("2000") long warmupSteps,
            @Doc("Share of the steps after which the rate drops first.") @Default("0.8") double firstDrop,
            @Doc("Multiplies the peak after the first drop.") @Default("0.316") double firstFactor,
            @Doc("Share of the steps after which the rate drops again.") @Default("0.9") double secondDrop,
            @Doc("Multiplies the peak after the second drop.") @Default("0.1") double secondFactor)
            implements LearningRate {
        /** Checks the ranges. */
        public MultiStep {
            Ranges.peak(peak);
            Ranges.warmup(warmupSteps);
            if (!(firstDrop > 0 && firstDrop <= secondDrop && secondDrop <= 1)) {
                throw new IllegalArgumentException(
                        "first_drop and second_drop must rise within (0, 1]: " + firstDrop + ", " + secondDrop);
            }
            Ranges.factor("first_factor", firstFactor);
            Ranges.factor("second_factor", secondFactor);
        }

        @Override
        public double at(long step, long steps) {
            if (step <= warmupSteps) {
                return peak * step / warmupSteps;
            }
            double done = (double) (step - 1) / steps;
            return peak * (done >= secondDrop ? secondFactor : done >= firstDrop ? firstFactor : 1);
        }
    }

    /** Linear warm-up, then half a cosine to a final share of the peak at the last step. */
    @Doc("Linear warm-up, then half a cosine down to a share of the peak.")
    record Cosine(
            @Doc("Rate after warm-up.") double peak,
            @Doc("Steps of linear warm-up.") @Default("2000") long warmupSteps,
            @Doc("Share of the peak at the end.") @Default("0.1") double finalFactor)
            implements LearningRate {
        /** Checks the ranges. */
        public Cosine {
            Ranges.peak(peak);
            Ranges.warmup(warmupSteps);
            Ranges.factor("final_factor", finalFactor);
        }

        @Override
        public double at(long step, long steps) {
            if (step <= warmupSteps) {
                return peak * step / warmupSteps;
            }
            double done = Math.min(1, (double) (step - warmupSteps) / Math.max(1, steps - warmupSteps));
            return peak * (finalFactor + (1 - finalFactor) * 0.5 * (1 + StrictMath.cos(Math.PI * done)));
        }
    }

    /** Linear warm-up, then constant. */
    @Doc("Linear warm-up, then constant.")
    record Constant(
            @Doc("Rate after warm-up.") double peak, @Doc("Steps of linear warm-up.") @Default("0") long warmupSteps)
            implements LearningRate {
        /** Checks the ranges. */
        public Constant {
            Ranges.peak(peak);
            Ranges.warmup(warmupSteps);
        }

        @Override
        public double at(long step, long steps) {
            return step <= warmupSteps ? peak * step / warmupSteps : peak;
        }
    }
}
