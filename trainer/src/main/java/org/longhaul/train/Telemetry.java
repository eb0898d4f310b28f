package org.longhaul.train;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.longhaul.checkpoint.SaveSchedule;
import org.longhaul.checkpoint.SaveStats;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.metrics.MetricsServer;
import org.longhaul.metrics.MetricsServer.Health;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a rank shows to those who watch the run from outside. The training thread leaves small records here where the host looks at results
 * anyway; pages are made of them on the server's threads. Without a port it does nothing.
 */
final class Telemetry implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);
    private static final double SECOND = 1e9;

    private final TrainConfig config;
    private final RankEnvironment self;
    private final LongSupplier nanos;
    private MetricsServer server;
    private volatile Sign sign;
    private volatile Looked looked;
    private volatile Saved saved;
    private volatile Validated validated;
    private volatile MemoryCheck.Seen memory;
    private volatile RankTimes.Comparison ranks;
    private volatile long spikes;
    private volatile long rollbacks;

    /** The last sign of life: what the rank was doing, and when by the monotonic clock. */
    private record Sign(String doing, long nanos) {}

    /** The newest step that the host has seen results of, and rank 0's speed. */
    record Looked(Report.Step step, Report.Speed speed, long nanos) {}

    /** How saving went by then; {@code age} only on rank 0. */
    record Saved(SaveStats stats, SaveSchedule.Age age, long nanos) {}

    /** The newest validation. */
    record Validated(long step, Validation measured) {}

    private Telemetry(TrainConfig config, RankEnvironment self, LongSupplier nanos) {
        this.config = config;
        this.self = self;
        this.nanos = nanos;
        this.sign = new Sign("starts", nanos.getAsLong());
    }

    /** Serves as the configuration says; a port that cannot be had costs a warning, for a run must not end for want of spectators. */
    static Telemetry open(TrainConfig config, RankEnvironment self) {
        Telemetry telemetry = new Telemetry(config, self, System::nanoTime);
        MetricsConfig wish = config.logging().metrics();
        int port = wish.port() + self.localRank();
        if (wish.on()) {
            try {
                telemetry.serve(new InetSocketAddress(wish.host(), port));
                if (self.localRank() == 0) {
                    LOG.info("rank {} serves /metrics and /healthz on {}:{}", self.rank(), wish.host(), port);
                }
            } catch (IOException | IllegalArgumentException e) {
                LOG.warn("rank {} serves no metrics: {}:{} cannot be had ({}); training goes on; free it or name another logging.metrics.port", self.rank(),
                        wish.host(), port, e.getMessage());
            }
        }
        return telemetry;
    }

    /** Serves at an address by a clock of one's own. */
    static Telemetry serving(TrainConfig config, RankEnvironment self, InetSocketAddress address, LongSupplier nanos) throws IOException {
        Telemetry telemetry = new Telemetry(config, self, nanos);
        telemetry.serve(address);
        return telemetry;
    }

    private void serve(InetSocketAddress address) throws IOException {
        TelemetryPage page = new TelemetryPage(config, self);
        server = new MetricsServer(address, () -> page.text(this), this::health);
    }

    /** Whether anybody can ask. */
    boolean on() {
        return server != null;
    }

    /** The port that it is served on. */
    int port() {
        return server.port();
    }

    /** A sign of life: what this rank does from now on. */
    void does(String doing) {
        if (on()) {
            sign = new Sign(doing, nanos.getAsLong());
        }
    }

    /** The host has looked at results; {@code speed} and {@code age} are rank 0's to know, null elsewhere. */
    void looked(Report.Step[] steps, Report.Speed speed, SaveStats stats, SaveSchedule.Age age) {
        if (!on()) {
            return;
        }
        long now = nanos.getAsLong();
        for (Report.Step step : steps) {
            spikes += step.spike() ? 1 : 0;
        }
        looked = new Looked(steps[steps.length - 1], speed, now);
        saved(stats, age);
        sign = new Sign("trains", now);
    }

    void saved(SaveStats stats, SaveSchedule.Age age) {
        if (on()) {
            saved = new Saved(stats, age, nanos.getAsLong());
        }
    }

    void validated(long step, Validation measured) {
        if (on()) {
            validated = new Validated(step, measured);
            does("trains");
        }
    }

    void memory(MemoryCheck.Seen seen) {
        memory = seen;
    }

    void ranks(RankTimes.Comparison comparison) {
        ranks = comparison;
    }

    void rolledBack() {
        rollbacks++;
        does("trains");
    }

    /** Whether steps advance. */
    Health health() {
        Sign last = sign;
        double quiet = (nanos.getAsLong() - last.nanos) / SECOND;
        Looked newest = looked;
        boolean good = quiet <= config.logging().metrics().stalledAfter().toNanos() / SECOND;
        return new Health(good, String.format(Locale.ROOT, "%s: %s, %s, last sign of life %.1f s ago", good ? "ok" : "stalled", last.doing,
                newest == null ? "no step yet" : "step " + newest.step.step(), quiet));
    }

    /** Seconds by this rank's clock since then. */
    double since(long then) {
        return (nanos.getAsLong() - then) / SECOND;
    }

    Looked newest() {
        return looked;
    }

    Saved saves() {
        return saved;
    }

    Validated validation() {
        return validated;
    }

    MemoryCheck.Seen memorySeen() {
        return memory;
    }

    RankTimes.Comparison comparison() {
        return ranks;
    }

    long spikes() {
        return spikes;
    }

    long rollbacks() {
        return rollbacks;
    }

    @Override
    public void close() {
        if (on()) {
            server.close();
        }
    }
}
