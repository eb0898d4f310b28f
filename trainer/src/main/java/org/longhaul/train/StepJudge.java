package org.longhaul.train;

import java.util.Locale;
import org.longhaul.train.StepScalars.Result;
import org.longhaul.trust.SpikeConfig;
import org.longhaul.trust.SpikeDetector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells which steps are spikes, by the losses and gradient norms before them. All ranks judge the same sums, so they judge alike. */
final class StepJudge {
    private static final Logger LOG = LoggerFactory.getLogger(StepJudge.class);

    private final SpikeDetector losses;
    private final SpikeDetector norms;
    private final boolean watches;
    private final boolean speaks;

    /** @param speaks whether warnings are this rank's to write */
    StepJudge(SpikeConfig config, boolean speaks) {
        this.losses = new SpikeDetector(config.window(), config.sigma(), 1);
        this.norms = new SpikeDetector(config.window(), config.sigma(), config.normFactor());
        this.watches = config.action() == SpikeConfig.Action.WATCH;
        this.speaks = speaks;
    }

    /** Whether a step's mean loss or norm is one, or no number. */
    boolean spike(Result r, double loss, long step) {
        if (!r.finite()) {
            if (speaks) {
                LOG.warn("step {}: gradient norm {} and loss {} are no numbers; the update is skipped", step, r.norm(), loss);
            }
            return true;
        }
        boolean spike = losses.spike(loss) || norms.spike(r.norm());
        if (spike && speaks) {
            LOG.warn("step {}: spike, loss {} ({} sigma) and gradient norm {} ({} sigma){}", step, text(loss), text(losses.score(loss)),
                    text(r.norm()), text(norms.score(r.norm())), watches ? "" : "; the update is skipped");
        }
        return spike;
    }

    /** Whether a step's update is left out. */
    boolean drops(Result r, boolean spike) {
        return !r.finite() || spike && !watches;
    }

    /** Learns from a step that is kept. */
    void accept(Result r, double loss) {
        losses.accept(loss);
        norms.accept(r.norm());
    }

    /** What a checkpoint keeps of the losses. */
    double[] losses() {
        return losses.state();
    }

    /** What a checkpoint keeps of the norms. */
    double[] norms() {
        return norms.state();
    }

    /** Goes on from what a checkpoint keeps. */
    void restore(RunState state) {
        losses.restore(state.losses());
        norms.restore(state.norms());
    }

    private static String text(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
