package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.checkpoint.SaveSchedule;
import org.longhaul.checkpoint.SaveStats;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.metrics.JvmWatch;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.train.Trainer.Outcome;

/** What a run shows over HTTP: the numbers of its files, and whether it advances, by a clock of the test's. */
class TelemetryTest {
    private static final InetSocketAddress ANYWHERE = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @TempDir
    private Path folder;

    private final AtomicLong clock = new AtomicLong();

    @Test
    void aRunsPageAgreesWithItsFiles() throws Exception {
        TrainConfig config = TrainerTest.config(folder, "checkpoint.retention.permanent_every=10", "ranks.hash_every=0");
        try (Telemetry telemetry = Telemetry.serving(config, RankEnvironment.alone(), ANYWHERE, System::nanoTime)) {
            assertTrue(ask(telemetry, "/healthz").body().startsWith("ok: starts, no step yet"), ask(telemetry, "/healthz").body());
            assertFalse(values(telemetry).containsKey("longhaul_step"));
            try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 1e12)) {
                assertEquals(Outcome.FINISHED, TrainJob.run(config, TrainerTest.data(), setup, new StopRequest(), telemetry));
            }
            Map<String, Double> page = values(telemetry);
            List<JsonNode> lines = MetricsFile.read(folder.resolve("metrics.jsonl"));
            JsonNode step = last(lines, "loss");
            assertEquals(20, page.get("longhaul_step"));
            assertEquals(20, page.get("longhaul_target_steps"));
            assertEquals(step.get("loss").asDouble(), page.get("longhaul_loss_nats"));
            assertEquals(step.get("grad_norm").asDouble(), page.get("longhaul_gradient_norm"));
            assertEquals(step.get("learning_rate").asDouble(), page.get("longhaul_learning_rate"));
            assertEquals(step.get("consumed_tokens").asDouble(), page.get("longhaul_tokens_total"));
            assertTrue(page.get("longhaul_tokens_per_second") > 0);
            assertTrue(page.get("longhaul_model_flops_utilization_ratio:full") > page.get("longhaul_model_flops_utilization_ratio:causal"));
            assertEquals(last(lines, "validation_loss").get("validation_loss").asDouble(), page.get("longhaul_validation_loss_nats"));
            assertEquals(20, page.get("longhaul_validation_step"));
            assertEquals(20, page.get("longhaul_checkpoint_step"));
            assertEquals(last(lines, "checkpoint_rank_bytes").get("checkpoint_rank_bytes").asDouble(), page.get("longhaul_checkpoint_rank_bytes"));
            assertEquals(2, page.get("longhaul_checkpoint_saves_total"));
            assertEquals(last(lines, "used_bytes").get("used_bytes").asDouble(), page.get("longhaul_device_memory_peak_bytes"));
            assertEquals(0, page.get("longhaul_restarts_total"));
            assertEquals(1, page.get("longhaul_healthy"));
            assertTrue(page.get("longhaul_process_resident_peak_bytes") >= page.get("longhaul_process_resident_bytes"));
        }
    }

    @Test
    void healthIsLostWhenNothingHappensAndComesBackWithAStep() throws Exception {
        TrainConfig config = TrainerTest.config(folder);
        try (Telemetry telemetry = Telemetry.serving(config, RankEnvironment.alone(), ANYWHERE, clock::get)) {
            telemetry.looked(new Report.Step[] {step(7, false)}, new Report.Speed(100, 0, 0), stats(), new SaveSchedule.Age(5, 2, 3.5));
            clock.addAndGet(Duration.ofMinutes(20).toNanos());
            assertEquals(200, ask(telemetry, "/healthz").statusCode());
            assertEquals(1200, values(telemetry).get("longhaul_step_age_seconds"));
            assertEquals(1203.5, values(telemetry).get("longhaul_checkpoint_age_seconds"));
            clock.addAndGet(Duration.ofSeconds(1).toNanos());
            assertEquals(503, ask(telemetry, "/healthz").statusCode());
            assertEquals("stalled: trains, step 7, last sign of life 1201.0 s ago\n", ask(telemetry, "/healthz").body());
            assertEquals(0, values(telemetry).get("longhaul_healthy"));
            telemetry.does("validates");
            assertEquals(200, ask(telemetry, "/healthz").statusCode());
            telemetry.looked(new Report.Step[] {step(8, true), step(9, true)}, new Report.Speed(100, 0, 0), stats(), new SaveSchedule.Age(5, 4, 4));
            assertEquals(2, values(telemetry).get("longhaul_spikes_total"));
            assertEquals(0, values(telemetry).get("longhaul_step_age_seconds"));
        }
    }

    @Test
    void anotherRankShowsItselfAndNotTheRun() throws Exception {
        RankEnvironment self = new RankEnvironment(3, 4, 1, 2, "127.0.0.1", 1, "t", false, 2);
        try (Telemetry telemetry = Telemetry.serving(TrainerTest.config(folder), self, ANYWHERE, clock::get)) {
            telemetry.looked(new Report.Step[] {step(7, false)}, null, stats(), null);
            Map<String, Double> page = values(telemetry);
            assertEquals(7, page.get("longhaul_step"));
            assertEquals(2, page.get("longhaul_restarts_total"));
            assertFalse(page.containsKey("longhaul_loss_nats"), page.toString());
            assertTrue(ask(telemetry, "/metrics").body().contains("longhaul_step{run=\"" + folder.getFileName() + "\",rank=\"3\"} 7\n"));
        }
    }

    @Test
    void stragglersAreNamed() throws Exception {
        try (Telemetry telemetry = Telemetry.serving(TrainerTest.config(folder), RankEnvironment.alone(), ANYWHERE, clock::get)) {
            telemetry.looked(new Report.Step[] {step(7, false)}, new Report.Speed(1, 0, 0), stats(), null);
            telemetry.ranks(new RankTimes.Comparison(List.of(), Map.of("rank_compute_seconds_max", 0.5, "step", 7L), Map.of(), Map.of(5, "gpu07")));
            assertEquals(1, values(telemetry).get("longhaul_stragglers"));
            assertEquals(0.5, values(telemetry).get("longhaul_rank_compute_max_seconds"));
            String body = ask(telemetry, "/metrics").body();
            assertTrue(body.contains("straggler=\"5\"") && body.contains("host=\"gpu07\""), body);
        }
    }

    /** Whoever watches must not decide whether a run starts. */
    @Test
    void aTakenPortCostsTheMetricsNotTheRun() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            TrainConfig config = TrainerTest.config(folder, "logging.metrics.port=" + taken.getLocalPort());
            assertEquals(Outcome.FINISHED, TrainerTest.run(config));
        }
    }

    @Test
    void whatIsToldCostsTheTrainingThreadLittle() throws IOException {
        SaveStats stats = stats();
        SaveSchedule.Age age = new SaveSchedule.Age(5, 2, 3.5);
        Report.Step[] steps = {step(7, false)};
        Report.Speed speed = new Report.Speed(1, 0, 0);
        try (Telemetry telemetry = Telemetry.serving(TrainerTest.config(folder), RankEnvironment.alone(), ANYWHERE, System::nanoTime)) {
            telemetry.looked(steps, speed, stats, age);
            JvmWatch watch = new JvmWatch();
            for (int i = 0; i < 1000; i++) {
                telemetry.looked(steps, speed, stats, age);
            }
            long bytes = watch.next().allocatedBytes() / 1000;
            assertTrue(bytes < 256, bytes + " bytes a look");
        }
    }

    @Test
    void healthMustOutlastTheJobsOwnWatch() {
        UserError e = assertThrows(UserError.class, () -> TrainerTest.config(folder, "logging.metrics.port=9464", "logging.metrics.stalled_after=10m"));
        assertTrue(e.getMessage().contains("logging.metrics.stalled_after: must be longer than ranks.stall_timeout"), e.getMessage());
    }

    private static Report.Step step(long step, boolean spike) {
        return new Report.Step(step, step * 8, 0, 0, 2.5, 1.0, 1e-3, false, spike, 0);
    }

    private static SaveStats stats() {
        return new SaveStats(1, 0, 5, 1000, 0.1, 0.2, 0.3, 0.4);
    }

    private static JsonNode last(List<JsonNode> lines, String key) {
        return lines.stream().filter(l -> l.has(key)).reduce((a, b) -> b).orElseThrow();
    }

    private static HttpResponse<String> ask(Telemetry telemetry, String path) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + telemetry.port() + path)).build(), BodyHandlers.ofString());
    }

    /** Samples by name, with the value of the label {@code attention} behind a colon; every line must be of the format. */
    private static Map<String, Double> values(Telemetry telemetry) throws IOException, InterruptedException {
        Map<String, Double> values = new TreeMap<>();
        for (String line : ask(telemetry, "/metrics").body().lines().filter(l -> !l.startsWith("#")).toList()) {
            assertTrue(line.matches("longhaul_[a-z_]+\\{([a-z]+=\"[^\"]*\",?)+} [-+0-9.EINaNf]+"), line);
            String attention = line.contains("attention=\"") ? ":" + line.replaceFirst(".*attention=\"([^\"]*)\".*", "$1") : "";
            values.put(line.substring(0, line.indexOf('{')) + attention, Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)));
        }
        return values;
    }
}
