package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.parallel.Mesh;
import org.longhaul.train.FuzzJob.Stop;
import org.longhaul.train.FuzzRun.Done;
import org.longhaul.train.Trainer.Outcome;

/** Compares what came of a drawn job with what one rank made of it, and with what must hold by itself. */
final class FuzzJudge {
    private final FuzzJob job;
    private final boolean rounded;

    FuzzJudge(FuzzJob job) {
        this.job = job;
        this.rounded = job.keys().getOrDefault("optimizer.moments", "").equals("bf16");
    }

    /** Throws AssertionError naming the first thing that is not as it must be. */
    void judge(List<Done> alone, List<Done> drawn) throws IOException {
        drawn.forEach(this::samples);
        Set<Path> outputs = new LinkedHashSet<>();
        drawn.forEach(d -> outputs.add(d.output()));
        for (Path output : outputs) {
            List<Done> legs = drawn.stream().filter(d -> d.output().equals(output)).toList();
            Path reference = alone.stream().map(Done::output).filter(o -> o.getFileName().equals(output.getFileName())).findFirst().orElseThrow();
            try {
                metrics(reference, output, legs);
                history(output, legs);
                checkpoints(reference, output, legs);
            } catch (AssertionError e) {
                throw new AssertionError(output.getFileName() + ": " + e.getMessage(), e);
            }
        }
    }

    /** Each step reads the samples that its number says, whatever the layout; ranks of a replica read the same. */
    private void samples(Done d) {
        if (!job.faults().isEmpty()) {
            // Roll-backs leave samples out; the lines of metrics.jsonl say which.
            return;
        }
        Mesh mesh = d.leg().mesh();
        int batch = d.config().batch().sequences();
        int share = batch / mesh.data();
        int context = d.config().model().context();
        SampleOrder order = new SampleOrder(new FuzzRun.FuzzTokens(job.tokens(), 0), context, d.config().seed(), d.config().data().stage());
        int steps = Integer.MAX_VALUE;
        for (int replica = 0; replica < mesh.data(); replica++) {
            List<Long> first = d.reads().get(mesh.rank(0, replica, 0));
            steps = Math.min(steps, first.size() / share);
            for (int t = 0; t < mesh.tensor(); t++) {
                for (int stage : new int[] {0, mesh.pipeline() - 1}) {
                    List<Long> other = d.reads().get(mesh.rank(stage, replica, t));
                    int same = d.outcome() == null ? Math.min(first.size(), other.size()) : Math.max(first.size(), other.size());
                    assertEquals(first.subList(0, Math.min(same, first.size())), other.subList(0, Math.min(same, other.size())),
                            "samples of stage " + stage + ", tensor rank " + t);
                }
            }
        }
        if (d.outcome() != null) {
            assertEquals(d.to() - d.from(), steps, "steps read by " + d.leg());
        }
        for (int s = 0; s < steps; s++) {
            List<Long> wanted = new ArrayList<>();
            List<Long> read = new ArrayList<>();
            for (int k = 0; k < batch; k++) {
                wanted.add(order.window(d.consumed() + (long) s * batch + k) * context);
            }
            for (int replica = 0; replica < mesh.data(); replica++) {
                read.addAll(d.reads().get(mesh.rank(0, replica, 0)).subList(s * share, (s + 1) * share));
            }
            Collections.sort(wanted);
            Collections.sort(read);
            assertEquals(wanted, read, "samples of step " + (d.from() + s + 1) + " under " + d.leg());
        }
    }

    private void metrics(Path reference, Path output, List<Done> legs) throws IOException {
        List<JsonNode> mine = MetricsFile.read(output.resolve("metrics.jsonl"));
        List<JsonNode> wanted = MetricsFile.read(reference.resolve("metrics.jsonl"));
        if (!job.rollsBack()) {
            long first = legs.get(0).from();
            List<Long> steps = mine.stream().filter(l -> l.has("loss")).map(l -> l.get("step").asLong()).toList();
            List<Long> all = new ArrayList<>();
            for (long s = first + 1; s <= legs.get(legs.size() - 1).to(); s++) {
                all.add(s);
            }
            assertEquals(all, steps, "steps in metrics.jsonl");
        }
        Map<Long, JsonNode> lines = last(mine, "loss");
        Map<Long, JsonNode> expected = last(wanted, "loss");
        assertEquals(expected.keySet(), lines.keySet(), "steps in metrics.jsonl");
        expected.forEach((step, want) -> {
            JsonNode have = lines.get(step);
            String at = " of step " + step;
            near(want.get("loss").asDouble(), have.get("loss").asDouble(), rounded ? 2e-2 : 1e-5, "loss" + at);
            near(want.get("grad_norm").asDouble(), have.get("grad_norm").asDouble(), rounded ? 0.3 : 1e-4, "gradient norm" + at);
            for (String key : List.of("learning_rate", "consumed_samples", "data_stage", "consumed_tokens", "skipped", "skipped_steps", "spike")) {
                assertEquals(want.get(key), have.get(key), key + at);
            }
        });
        Map<Long, JsonNode> measured = last(mine, "validation_loss");
        last(wanted, "validation_loss").forEach((step, want) -> {
            JsonNode have = measured.remove(step);
            // A crash may fall between a step's save and its validation.
            assertTrue(have != null || job.crashes(), "no validation of step " + step);
            if (have != null) {
                assertEquals(want.get("validation_tokens"), have.get("validation_tokens"));
                near(want.get("validation_loss").asDouble(), have.get("validation_loss").asDouble(), rounded ? 2e-2 : 1e-5, "validation loss of step " + step);
            }
        });
        assertTrue(measured.isEmpty(), "validations of steps where none was due: " + measured.keySet());
        if (!job.rollsBack()) {
            assertEquals(mine.stream().filter(l -> l.has("validation_loss")).map(l -> l.get("step")).distinct().count(),
                    mine.stream().filter(l -> l.has("validation_loss")).count(), "a validation is there twice");
        }
        Map<Long, JsonNode> mixtures = last(mine, "tokens_by_source");
        last(wanted, "tokens_by_source").forEach((step, want) -> {
            JsonNode have = mixtures.get(step);
            if (have != null) {
                for (String key : List.of("tokens_by_source", "tokens_by_language", "stage_tokens_by_source")) {
                    assertEquals(want.get(key), have.get(key), key + " of step " + step);
                }
            }
        });
    }

    private static Map<Long, JsonNode> last(List<JsonNode> lines, String key) {
        Map<Long, JsonNode> byStep = new TreeMap<>();
        lines.stream().filter(l -> l.has(key)).forEach(l -> byStep.put(l.get("step").asLong(), l));
        return byStep;
    }

    private void history(Path output, List<Done> legs) throws IOException {
        List<String> wanted = new ArrayList<>();
        for (Done d : legs) {
            wanted.add("start " + d.from() + " " + LayoutName.of(d.leg().mesh()));
            wanted.add(d.outcome() == null ? "end failed" : "end " + d.to() + " " + d.outcome().name().toLowerCase(java.util.Locale.ROOT));
        }
        List<String> told = new ArrayList<>();
        for (JsonNode line : MetricsFile.read(output.resolve("history.jsonl"))) {
            String outcome = line.path("outcome").asText();
            told.add(line.get("event").asText().equals("start") ? "start " + line.get("step") + " " + line.get("layout").asText()
                    : outcome.equals("failed") ? "end failed" : "end " + line.get("step") + " " + outcome);
        }
        assertEquals(wanted, told, "history.jsonl");
        assertEquals(0, Files.readAllLines(output.resolve("metrics.jsonl")).stream().filter(String::isBlank).count(), "empty lines");
    }

    private void checkpoints(Path reference, Path output, List<Done> legs) throws IOException {
        try (CheckpointStore a = CheckpointStore.open(reference.resolve("checkpoints")); CheckpointStore b = CheckpointStore.open(output.resolve("checkpoints"))) {
            Checkpoint want = a.openNewest();
            Checkpoint have = b.openNewest();
            assertEquals(List.of(), have.verify());
            assertEquals(want.meta().step(), have.meta().step());
            state(want.meta().state(), have.meta().state());
            if (job.faults().isEmpty()) {
                long counted = 0;
                for (JsonNode tokens : have.meta().state().get("mixture").get("stage").get("sources")) {
                    counted += tokens.asLong();
                }
                assertEquals(have.meta().state().get("consumed").asLong() * have.meta().model().context(), counted, "tokens counted by source in this stage");
            }
            assertEquals(Set.copyOf(want.tensorNames()), Set.copyOf(have.tensorNames()));
            double all = 0;
            Map<String, float[]> expected = new TreeMap<>();
            for (String name : want.tensorNames()) {
                expected.put(name, values(want, name));
            }
            for (String name : expected.keySet()) {
                tensor(name, expected, values(have, name));
            }
            List<CheckpointInfo> kept = b.list();
            assertTrue(kept.stream().allMatch(CheckpointInfo::complete) || job.rollsBack() || job.crashes(), "incomplete checkpoints are left: " + kept);
            permanent(kept, legs);
        }
    }

    private void permanent(List<CheckpointInfo> kept, List<Done> legs) {
        for (Done d : legs) {
            long every = d.config().checkpoint().retention().permanentEvery();
            boolean all = legs.stream().allMatch(l -> l.config().checkpoint().retention().keepPermanent() == 0);
            for (long s = d.from() + 1; s <= d.to() && all && every > 0 && !job.rollsBack(); s++) {
                long step = s;
                boolean lasting = s % every == 0 || s == d.to() && d.leg().stop() == Stop.PAUSE && d.outcome() == Outcome.PAUSED;
                assertTrue(!lasting || kept.stream().anyMatch(c -> c.step() == step), "no permanent checkpoint of step " + s + ": " + kept);
            }
        }
    }

    private void state(JsonNode want, JsonNode have) {
        for (String key : List.of("step", "consumed", "stage", "earlierTokens", "skipped", "skippedInRow", "rollbacks", "rolledBackFrom", "mixture")) {
            assertEquals(want.get(key), have.get(key), key + " of the run's state");
        }
        for (String key : List.of("losses", "norms")) {
            assertEquals(want.get(key).size(), have.get(key).size(), key + " in the window");
            for (int i = 0; i < want.get(key).size(); i++) {
                near(want.get(key).get(i).asDouble(), have.get(key).get(i).asDouble(), rounded ? 0.3 : 1e-4, key + " in the window");
            }
        }
    }

    private void tensor(String name, Map<String, float[]> all, float[] have) {
        float[] want = all.get(name);
        assertEquals(want.length, have.length, name);
        String kind = name.endsWith(".exp_avg") ? ".exp_avg" : name.endsWith(".exp_avg_sq") ? ".exp_avg_sq" : "";
        double like = 0;
        int count = 0;
        for (Map.Entry<String, float[]> e : all.entrySet()) {
            boolean same = kind.isEmpty() ? !e.getKey().contains(".exp_avg") : e.getKey().endsWith(kind);
            like += same ? squares(e.getValue()) : 0;
            count += same ? 1 : 0;
        }
        double gap = 0;
        for (int i = 0; i < want.length; i++) {
            double d = (double) want[i] - have[i];
            gap += d * d;
        }
        // Of a tensor that is nearly zero rounding is all there is.
        double scale = Math.max(Math.sqrt(squares(want)), 1e-2 * Math.sqrt(like / count)) + 1e-12;
        double bar = rounded ? kind.isEmpty() ? 2e-2 : 0.2 : 2e-5;
        assertTrue(Math.sqrt(gap) <= bar * scale, name + " is " + Math.sqrt(gap) / scale + " from one rank's");
    }

    private static double squares(float[] x) {
        double sum = 0;
        for (float v : x) {
            sum += (double) v * v;
        }
        return sum;
    }

    private static float[] values(Checkpoint checkpoint, String name) throws IOException {
        FloatBuffer values = ByteBuffer.wrap(TrainerTest.bytes(checkpoint, name)).order(ByteOrder.nativeOrder()).asFloatBuffer();
        float[] array = new float[values.remaining()];
        values.get(array);
        return array;
    }

    private static void near(double want, double have, double relative, String what) {
        assertTrue(want == have || Math.abs(want - have) <= relative * Math.abs(want) + 1e-9, what + ": " + have + ", by one rank " + want);
    }
}
