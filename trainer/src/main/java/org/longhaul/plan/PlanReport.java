package org.longhaul.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.longhaul.checkpoint.Retention;
import org.longhaul.error.UserError;
import org.longhaul.metrics.Flops;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.Recompute;
import org.longhaul.parallel.Mesh;
import org.longhaul.tensor.DType;
import org.longhaul.train.CheckpointSpace;
import org.longhaul.train.DeviceConfig;
import org.longhaul.train.RankMemory;
import org.longhaul.train.Sizes;
import org.longhaul.train.TrainConfig;

/** The text of {@code longhaul plan}. */
final class PlanReport {
    private static final int REJECTED_SHOWN = 12;

    private final TrainConfig config;
    private final Mesh mesh;
    private final long gpuBytes;
    private final double teraflops;
    private final StringBuilder out = new StringBuilder();
    private String misfit = "";

    /**
     * A plan.
     *
     * @param processes number of processes, 0 for the fewest that the mesh allows
     * @param gpuBytes memory of one GPU
     * @param teraflops what one GPU is assumed to reach, counted with full attention and head; 0 leaves time out
     */
    PlanReport(TrainConfig config, int processes, long gpuBytes, double teraflops) {
        this.config = config;
        this.gpuBytes = gpuBytes;
        this.teraflops = teraflops;
        if (processes < 0 || gpuBytes < 1 || !(teraflops >= 0)) {
            throw UserError.badInput("--processes and --tflops must not be negative, --gpu-memory must be above 0: " + processes + ", " + teraflops + ", "
                    + Sizes.bytes(gpuBytes));
        }
        Mesh wanted = config.mesh();
        int count = processes != 0 ? processes : wanted.pipeline() * Math.max(1, wanted.data()) * wanted.tensor();
        try {
            this.mesh = wanted.over(count);
            config.batch().accumulation(mesh.data());
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(e.getMessage() + "; " + others(config, count, gpuBytes), e);
        }
    }

    // What would do in place of a number of processes that mesh or batch does not divide by.
    private static String others(TrainConfig config, int count, long gpuBytes) {
        Mesh wanted = config.mesh();
        int unit = wanted.pipeline() * wanted.tensor();
        int replicas = config.batch().sequences() / config.batch().microBatch();
        List<String> counts = new ArrayList<>();
        IntStream sizes = wanted.data() > 0 ? IntStream.of(wanted.data()) : IntStream.rangeClosed(1, replicas).filter(d -> replicas % d == 0);
        List<Integer> possible = sizes.map(d -> d * unit).boxed().toList();
        possible.stream().filter(n -> n <= count).reduce((a, b) -> b).ifPresent(n -> counts.add(n.toString()));
        possible.stream().filter(n -> n > count).findFirst().ifPresent(n -> counts.add(n.toString()));
        String layouts = config.device().kind() != DeviceConfig.Kind.CUDA ? "" : LayoutChoices.of(config, count, gpuBytes).stream()
                .filter(LayoutChoices.Choice::fits).limit(3).map(PlanReport::name).collect(Collectors.joining("; "));
        return "give --processes that mesh and batch.sequences divide by, such as " + String.join(" or ", counts) + ", or change "
                + (layouts.isEmpty() ? "mesh or batch.sequences" : "mesh: of " + count + " GPUs these fit: " + layouts);
    }

    /** The whole report. */
    String text() {
        model();
        work();
        layout();
        memory();
        if (config.device().kind() == DeviceConfig.Kind.CUDA) {
            choices();
        }
        return out.toString();
    }

    /** After {@link #text}: why the configured layout does not fit and which do, empty where it fits. */
    String misfit() {
        return misfit;
    }

    private void model() {
        ModelConfig m = config.model();
        heading("Model");
        line("shape", "%d layers, d_model %d, %d heads (%d key/value), head size %d, ffn %d, vocab %d, context %d", m.layers(), m.dModel(),
                m.heads(), m.kvHeads(), m.headDim(), m.ffn(), m.vocab(), m.context());
        line("parameters", "%s (%,d), without embedding and head %s", Sizes.count(Flops.parameters(m)), Flops.parameters(m),
                Sizes.count(Flops.nonEmbeddingParameters(m)));
        line("paper's measures", "N1 %s, N2 %s, M %s FLOPs a token (6·N1/M %.2f, 6·N2/M %.2f)", Sizes.count(Flops.paperN1(m)),
                Sizes.count(Flops.paperN2(m)), Sizes.count(Flops.paperM(m)), 6.0 * Flops.paperN1(m) / Flops.paperM(m),
                6.0 * Flops.paperN2(m) / Flops.paperM(m));
        line("FLOPs a token", "%s with attention over all pairs, %s over the causal ones (true shape, head included)",
                Sizes.count(Flops.perTokenFull(m)), Sizes.count(Flops.perTokenCausal(m)));
    }

    private void work() {
        heading("Work");
        long perStep = config.tokensPerStep();
        double tokens = (double) perStep * config.steps();
        line("steps", "%,d of %s tokens (%d sequences): %s tokens", config.steps(), Sizes.count(perStep), config.batch().sequences(),
                Sizes.count(tokens));
        line("compute C = M·D", "%.3g FLOPs", Flops.paperM(config.model()) * tokens);
        line("learning rate", "%s", rates());
        if (!config.doubt().isEmpty()) {
            line("doubtful", "%s", config.doubt());
        }
        DType moments = config.optimizer().moments().type();
        line("checkpoint", "%s (master weights in F32 and two moments in %s)",
                Sizes.bytes(CheckpointSpace.of(config).one()), moments);
        CheckpointSpace space = CheckpointSpace.of(config);
        line("room for them", "%s", space);
        Retention r = config.checkpoint().retention();
        line("a fault costs", "%s", CheckpointSpace.promise(r));
        if (!r.ephemeralEvery().isZero()) {
            line("storage", "must take %s/s from all ranks together for that: a checkpoint in a third of %s", Sizes.bytes((long) (space.one() * 3e3 / r.ephemeralEvery().toMillis())),
                    Sizes.duration(r.ephemeralEvery().toMillis() / 1e3));
        }
        if (teraflops > 0 && config.device().kind() == DeviceConfig.Kind.CUDA) {
            double rate = teraflops * 1e12 * mesh.size() / Flops.perTokenFull(config.model());
            double bubble = 1 + (mesh.pipeline() - 1.0) / ((double) accumulation() * mesh.virtualStages());
            line("time", "%s a step, %s in all, if each of %d GPUs reaches %.0f TFLOP/s (full attention and head counted"
                    + (mesh.pipeline() > 1 ? "; the pipeline's idle time comes on top and is in these figures)" : ")"),
                    Sizes.duration(perStep / rate * bubble), Sizes.duration(tokens / rate * bubble), mesh.size(), teraflops);
        }
    }

    private String rates() {
        TreeSet<Long> marks = new TreeSet<>(List.of(1L, config.steps()));
        // A twentieth of the run is fine enough for the stages of any sensible schedule.
        for (int i = 1; i <= 20; i++) {
            marks.add(Math.max(1, config.steps() * i / 20));
        }
        List<String> parts = new ArrayList<>();
        String last = "";
        for (long step : marks) {
            double rate = config.schedule().at(step, config.steps());
            String text = String.format(Locale.ROOT, "%.3g", rate);
            if (!text.equals(last)) {
                parts.add(text + " at step " + step);
            }
            last = text;
        }
        return String.join(", ", parts.size() > 8 ? thinned(parts) : parts);
    }

    private static List<String> thinned(List<String> parts) {
        List<String> few = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            few.add(parts.get(i * (parts.size() - 1) / 6));
        }
        return few;
    }

    private void layout() {
        heading("Layout");
        line("processes", "%d = %d pipeline × %d data × %d tensor%s", mesh.size(), mesh.pipeline(), mesh.data(), mesh.tensor(),
                mesh.virtualStages() > 1 ? ", " + mesh.virtualStages() + " virtual stages each" : "");
        line("micro-batches", "%d of %d × %d tokens a step on each replica", accumulation(), config.batch().microBatch(),
                config.model().context());
        if (mesh.pipeline() > 1) {
            line("pipeline idle", "%.1f %% of a step (1F1B)",
                    100.0 * (mesh.pipeline() - 1) / (accumulation() * mesh.virtualStages() + mesh.pipeline() - 1));
        }
        line("recompute", "%s", config.memory().recompute().name().toLowerCase(Locale.ROOT));
    }

    private void memory() {
        List<RankMemory> ranks = ranks();
        RankMemory fullest = ranks.stream().max((a, b) -> Long.compare(a.total(), b.total())).orElseThrow();
        heading("Memory of " + (ranks.size() == 1 ? "each rank" : "pipeline rank " + fullest.rank() + ", the fullest") + " ("
                + fullest.layers() + " layers)");
        out.append(fullest.table());
        if (ranks.size() > 1) {
            List<String> totals = ranks.stream().map(r -> r.layers() + " layers " + Sizes.bytes(r.total())).toList();
            line("all pipeline ranks", "%s", String.join(", ", totals));
        }
        line(config.device().kind() == DeviceConfig.Kind.CUDA ? "of the machine" : "beside it",
                "%s a rank, which checkpoints are written from, and its Java heap (LONGHAUL_HEAP)",
                Sizes.bytes(ranks.stream().mapToLong(RankMemory::staged).max().orElseThrow()));
        if (config.device().kind() == DeviceConfig.Kind.CUDA && fullest.total() > gpuBytes) {
            line("does not fit", "a GPU has %s", Sizes.bytes(gpuBytes));
            misfit = String.format(Locale.ROOT, "%s does not fit: %s on the fullest rank, a GPU has %s (--gpu-memory); ", name(mesh, config.memory().recompute()),
                    Sizes.bytes(fullest.total()), Sizes.bytes(gpuBytes));
        }
    }

    private void choices() {
        List<LayoutChoices.Choice> all = LayoutChoices.of(config, mesh.size(), gpuBytes);
        heading("Layouts of " + (mesh.size() == 1 ? "1 GPU" : mesh.size() + " GPUs") + " that fit, fewest exchanges first");
        List<LayoutChoices.Choice> fit = all.stream().filter(LayoutChoices.Choice::fits).toList();
        if (fit.isEmpty() && all.stream().noneMatch(c -> c.bytes() > gpuBytes)) {
            out.append("  none; change the number of GPUs or batch.sequences, as the reasons below say\n");
        } else if (fit.isEmpty()) {
            List<String> remedies = Remedies.of(config, mesh.size(), gpuBytes);
            out.append("  none; ").append(remedies.isEmpty() ? "take a smaller model or context" : String.join("; ", remedies)).append('\n');
        }
        misfit = misfit.isEmpty() ? "" : misfit + (fit.isEmpty() ? "no layout of so many GPUs does; the plan says what would" : "these do: "
                + fit.stream().limit(3).map(PlanReport::name).collect(Collectors.joining("; ")));
        fit.stream().limit(6).forEach(c -> out.append(String.format(Locale.ROOT, "  %-36s %s%n", name(c), Sizes.bytes(c.bytes()))));
        List<LayoutChoices.Choice> rejected = all.stream().filter(c -> !c.fits()).toList();
        if (rejected.isEmpty()) {
            return;
        }
        heading("Rejected");
        rejected.stream().limit(REJECTED_SHOWN)
                .forEach(c -> out.append(String.format(Locale.ROOT, "  %-36s %s%n", name(c), c.reason())));
        if (rejected.size() > REJECTED_SHOWN) {
            out.append("  and ").append(rejected.size() - REJECTED_SHOWN).append(" more\n");
        }
    }

    static String name(LayoutChoices.Choice c) {
        return name(c.mesh(), c.recompute());
    }

    private static String name(Mesh mesh, Recompute recompute) {
        return "pp" + mesh.pipeline() + ".dp" + mesh.data() + ".tp" + mesh.tensor() + ", recompute " + recompute.name().toLowerCase(Locale.ROOT);
    }

    private int accumulation() {
        try {
            return config.batch().accumulation(mesh.data());
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(e.getMessage(), e);
        }
    }

    private List<RankMemory> ranks() {
        try {
            return RankMemory.of(config, mesh);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput("this layout cannot be: " + e.getMessage(), e);
        }
    }

    private void heading(String text) {
        out.append(out.length() == 0 ? "" : "\n").append(text).append('\n');
    }

    private void line(String name, String pattern, Object... values) {
        out.append(String.format(Locale.ROOT, "  %-18s %s%n", name, String.format(Locale.ROOT, pattern, values)));
    }
}
