package org.longhaul.train;

import java.time.Duration;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Where a running job is watched from. */
@Doc("What Prometheus and a probe may ask of the running job: GET /metrics and GET /healthz.")
public record MetricsConfig(
        @Doc("Port of the first rank of every node; the node's other ranks take the next ones. 0 serves nothing. A port that is taken costs a "
                + "warning, not the run.") @Default("0") int port,
        @Doc("Address to listen on: all of the machine's by default, 127.0.0.1 for none but itself. There is no password.") @Default("0.0.0.0") String host,
        @Doc("Time without a step, a validation or a step of the start after which /healthz answers 503; longer than the slowest load or validation, "
                + "and than ranks.stall_timeout.") @Default("20m") Duration stalledAfter) {
    /** Checks the ranges. */
    public MetricsConfig {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port must be 0 to 65535: " + port);
        }
        if (host.isBlank()) {
            throw new IllegalArgumentException("host must not be empty");
        }
        if (stalledAfter.isNegative() || stalledAfter.isZero()) {
            throw new IllegalArgumentException("stalled_after must be above 0: " + stalledAfter);
        }
    }

    /** Whether anything is served. */
    boolean on() {
        return port > 0;
    }
}
