package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.longhaul.checkpoint.Retention;
import org.longhaul.metrics.Flops;

/**
 * The room that a run's checkpoints take at most.
 *
 * @param one bytes of one checkpoint: master weights in F32 and two moments
 * @param ephemeral how many are kept besides permanent ones
 * @param permanent how many permanent ones are kept at the end of the run
 */
public record CheckpointSpace(long one, long ephemeral, long permanent) {
    /** What the rules of a configuration keep. */
    public static CheckpointSpace of(TrainConfig config) {
        Retention r = config.checkpoint().retention();
        long one = Flops.parameters(config.model()) * (4 + 2 * config.optimizer().moments().type().bytes());
        // The last step's is permanent whatever the rhythm.
        long saved = 1 + (r.permanentEvery() > 0 ? (config.steps() - 1) / r.permanentEvery() : 0) + (config.checkpoint().saveInitial() ? 1 : 0);
        long permanent = r.keepPermanent() > 0 ? Math.min(r.keepPermanent(), saved) : saved;
        long ephemeral = r.ephemeralEvery().isZero() && r.ephemeralSteps() == 0 ? 0 : Math.max(r.keepEphemeral(), Retention.FEWEST - permanent);
        return new CheckpointSpace(one, ephemeral, permanent);
    }

    /** Bytes at the worst moment, when one more is being written than is kept. */
    public long most() {
        double most = (double) one * (ephemeral + permanent + 1);
        return most < Long.MAX_VALUE ? one * (ephemeral + permanent + 1) : Long.MAX_VALUE;
    }

    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        if (ephemeral > 0) {
            parts.add(String.format(Locale.ROOT, "%,d ephemeral", ephemeral));
        }
        parts.add(String.format(Locale.ROOT, "%,d permanent by the end", permanent));
        parts.add("one being written");
        return "at most " + Sizes.bytes(most()) + ": " + String.join(", ", parts);
    }

    /** What a fault at the worst moment costs, in words. */
    public static String promise(Retention r) {
        List<String> limits = new ArrayList<>();
        if (!r.ephemeralEvery().isZero()) {
            limits.add(Sizes.duration(r.ephemeralEvery().toMillis() / 1e3) + " of work");
        }
        if (r.ephemeralSteps() > 0) {
            limits.add(String.format(Locale.ROOT, "%,d steps", r.ephemeralSteps()));
        }
        if (limits.isEmpty()) {
            return r.permanentEvery() > 0
                    ? String.format(Locale.ROOT, "%,d steps and those taken while a save is written (checkpoint.retention limits nothing more)", r.permanentEvery())
                    : "everything since the start: checkpoint.retention saves nothing before the end";
        }
        return "at most " + String.join(" and ", limits) + (r.strict() ? ", for which training waits where storage is too slow"
                : ", while a save takes less than about a third of that");
    }
}
