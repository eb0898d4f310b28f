package org.longhaul.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Records that use every kind of configuration component. */
final class Samples {
    private Samples() {}

    enum Color { RED, GREEN, DARK_BLUE }

    @Doc("A job.")
    record Job(
            @Doc("What it is called.") String name,
            @Default("10") int steps,
            @Default("0") long tokens,
            @Default("5e-1") double rate,
            @Default("false") boolean verbose,
            @Default("red") Color color,
            @Doc("Where the result goes.") Path out,
            @Default("30s") Duration pause,
            Optional<String> tag,
            @Default("[en]") List<String> languages,
            @Default("{}") Map<String, Double> weights,
            Optimizer optimizer,
            @Default("cosine") Schedule schedule,
            @Default("[]") List<Source> sources) {
        Job {
            if (steps <= 0) {
                throw new IllegalArgumentException("steps must be positive: " + steps);
            }
            if (optimizer.lr() > 4L * steps) {
                throw new IllegalArgumentException("optimizer.lr must not exceed 4 * steps: " + optimizer.lr());
            }
        }
    }

    record Optimizer(@Default("1e-4") @Doc("Learning rate | peak.") double lr, @Default("0.9") double beta) {
        Optimizer {
            if (beta >= 1) {
                throw new IllegalArgumentException("beta must be below 1: " + beta);
            }
        }
    }

    @Doc("How the learning rate falls.")
    sealed interface Schedule permits Cosine, MultiStep {}

    record Cosine(@Default("0.1") double floor) implements Schedule {}

    record MultiStep(List<Double> milestones) implements Schedule {}

    record Source(Path path, @Default("1") double weight) {
        Source {
            if (weight < 0) {
                throw new IllegalArgumentException("weight must not be negative: " + weight);
            }
        }
    }

    record BadDefault(@Default("many") int count) {}
}
