package org.longhaul.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.longhaul.launch.HostName;
import org.longhaul.launch.SharedGpus;
import org.longhaul.metrics.Flops;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.StageRange;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.StepMeter;
import org.longhaul.tensor.Tensor;
import org.longhaul.trust.StragglerConfig;
import org.longhaul.trust.StragglerJudge;

/**
 * Measures every N-th step on all ranks – computing, waiting for others, reading samples – and compares. The forwards and backwards
 * are measured, up to where the gradients' norm is known; the ranks exchange the times when the host next looks at results.
 */
final class RankTimes implements AutoCloseable {
    private static final int TIMES = 3;
    private static final int NAME_BYTES = 192;

    private final Backend backend;
    private final MeshGroups groups;
    private final int every;
    private final StepMeter meter;
    private final StragglerJudge judge;
    private final Arena arena;
    private final Tensor mine;
    private final Tensor all;
    private final List<String> places;
    private long measured = -1;
    private double reading;

    /** What is measured where ranks may share GPUs: nothing then, since they compute by turns and the turns are the driver's. */
    static StragglerConfig meaningful(StragglerConfig config, Map<String, String> environment) {
        return SharedGpus.on(environment) ? new StragglerConfig(0, config.ratio(), config.planRatio(), config.looks()) : config;
    }

    /** Tells the ranks' places; all ranks construct it together. */
    RankTimes(Backend backend, MeshGroups groups, ModelConfig model, StragglerConfig config) {
        int ranks = groups.mesh().size();
        this.backend = backend;
        this.groups = groups;
        this.every = ranks > 1 ? config.every() : 0;
        this.judge = judge(groups.mesh(), model, config);
        this.meter = every > 0 ? backend.stepMeter() : null;
        this.arena = every > 0 ? backend.allocate("times of ranks", (ranks + 1L) * Math.max(Arena.ALIGNMENT, NAME_BYTES)) : null;
        this.mine = every > 0 ? arena.tensor("times", 0, DType.F32, TIMES) : null;
        this.all = every > 0 ? arena.tensor("times of ranks", Arena.ALIGNMENT, DType.F32, (long) ranks * TIMES) : null;
        this.places = every > 0 ? places(ranks) : List.of();
    }

    // Stages of as many layers without embedding and head have the same work, too.
    private static StragglerJudge judge(Mesh mesh, ModelConfig model, StragglerConfig config) {
        int[] work = new int[mesh.size()];
        double[] planned = new double[mesh.size()];
        List<String> kinds = new ArrayList<>();
        int parts = mesh.pipeline() * mesh.virtualStages();
        for (int r = 0; r < work.length; r++) {
            StringBuilder kind = new StringBuilder();
            for (int part = mesh.pipelineOf(r); part < parts; part += mesh.pipeline()) {
                StageRange stage = StageRange.of(model, part, parts);
                planned[r] += Flops.perTokenCausal(model, stage.layers(), stage.last());
                kind.append(stage.layers()).append(stage.first() ? " with embedding" : "").append(stage.last() ? " with head" : "").append(';');
            }
            work[r] = kinds.indexOf(kind.toString());
            if (work[r] < 0) {
                work[r] = kinds.size();
                kinds.add(kind.toString());
            }
        }
        return new StragglerJudge(work, planned, config);
    }

    /**
     * What the ranks measured in a step.
     *
     * @param lines for people, one a rank that has been slow for long enough
     * @param metrics for metrics.jsonl
     * @param scalars for TensorBoard
     */
    record Comparison(List<String> lines, Map<String, Object> metrics, Map<String, Double> scalars, Map<Integer, String> slow) {}

    /** Before the work of a step; {@code readingSeconds} is what this rank has spent reading samples so far. */
    void begin(long step, double readingSeconds) {
        if (every > 0 && step % every == 0) {
            measured = step;
            reading = readingSeconds;
            meter.begin();
        }
    }

    /** Behind it. */
    void end(long step, double readingSeconds) {
        if (step == measured) {
            meter.end();
            reading = readingSeconds - reading;
        }
    }

    /** Whether a measured step has not been compared. All ranks agree. */
    boolean pending() {
        return measured >= 0;
    }

    /** Exchanges the times of the measured step, whose work is done. All ranks call it together. */
    Comparison compare() {
        StepMeter.Reading own = meter.read();
        Host.put(backend, mine, (float) Math.max(0, own.total() - own.waiting()), (float) own.waiting(), (float) reading);
        groups.world().allGather(all, mine, backend.computeStream());
        float[] values = Host.floats(backend, all);
        int ranks = groups.mesh().size();
        double[][] times = new double[TIMES][ranks];
        for (int r = 0; r < ranks; r++) {
            for (int t = 0; t < TIMES; t++) {
                times[t][r] = values[r * TIMES + t];
            }
        }
        long step = measured;
        measured = -1;
        return comparison(step, times[0], times[1], times[2]);
    }

    private Comparison comparison(long step, double[] compute, double[] waiting, double[] readings) {
        List<String> lines = new ArrayList<>();
        List<Integer> slow = new ArrayList<>();
        for (StragglerJudge.Slow s : judge.look(compute)) {
            slow.add(s.rank());
            lines.add(String.format(
                    Locale.ROOT, "step %,d: rank %d on %s computes %.2f times as long as %s: %.3f s a step instead of %.3f s, waits not counted; "
                            + "it spends %.3f s reading samples. Look at that node's clocks, temperature and neighbours",
                    step, s.rank(), places.get(s.rank()), s.ratio(), against(s.basis()), s.seconds(), s.expected(), readings[s.rank()]));
        }
        double median = StragglerJudge.median(compute);
        int slowest = 0;
        for (int r = 1; r < compute.length; r++) {
            slowest = compute[r] > compute[slowest] ? r : slowest;
        }
        Map<String, Object> metrics = new LinkedHashMap<>();
        metrics.put("step", step);
        metrics.put("rank_compute_seconds_median", median);
        metrics.put("rank_compute_seconds_max", compute[slowest]);
        metrics.put("rank_compute_slowest", slowest);
        metrics.put("rank_waiting_seconds_median", StragglerJudge.median(waiting));
        metrics.put("rank_waiting_seconds_max", Arrays.stream(waiting).max().orElseThrow());
        metrics.put("rank_reading_seconds_max", Arrays.stream(readings).max().orElseThrow());
        metrics.put("stragglers", slow);
        Map<String, Double> scalars = Map.of(
                "ranks/compute_seconds_median", median, "ranks/compute_max_over_median", compute[slowest] / median,
                "ranks/waiting_seconds_median", StragglerJudge.median(waiting));
        Map<Integer, String> slowNow = new TreeMap<>();
        judge.slow().forEach(r -> slowNow.put(r, places.get(r)));
        return new Comparison(lines, metrics, scalars, slowNow);
    }

    private static String against(StragglerJudge.Basis basis) {
        return switch (basis) {
            case PEERS -> "the ranks with the same work";
            case PLAN -> "its share of the model takes at the other stages' speed";
            case PAST -> "it did at first";
        };
    }

    // Once, as fixed-size text, so that any rank's line can name any other's host and GPU.
    private List<String> places(int ranks) {
        byte[] text = (HostName.here() + (backend.hardware().isEmpty() ? "" : " (" + backend.hardware() + ")")).getBytes(StandardCharsets.UTF_8);
        ByteBuffer own = ByteBuffer.allocateDirect(NAME_BYTES).order(ByteOrder.nativeOrder());
        own.put(text, 0, Math.min(text.length, NAME_BYTES)).clear();
        Tensor from = arena.tensor("place", 0, DType.I32, NAME_BYTES / 4);
        Tensor to = arena.tensor("places", Arena.ALIGNMENT, DType.I32, (long) ranks * NAME_BYTES / 4);
        backend.upload(from, own);
        groups.world().allGather(to, from, backend.computeStream());
        ByteBuffer gathered = ByteBuffer.allocateDirect(ranks * NAME_BYTES).order(ByteOrder.nativeOrder());
        backend.download(gathered, to);
        List<String> names = new ArrayList<>();
        byte[] name = new byte[NAME_BYTES];
        for (int r = 0; r < ranks; r++) {
            gathered.get(r * NAME_BYTES, name);
            names.add(new String(name, StandardCharsets.UTF_8).replace("\0", ""));
        }
        return List.copyOf(names);
    }

    @Override
    public void close() {
        if (every > 0) {
            meter.close();
            arena.close();
        }
    }
}
