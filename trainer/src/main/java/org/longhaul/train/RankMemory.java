package org.longhaul.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.model.ActivationPlan;
import org.longhaul.model.BatchShape;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.StageRange;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.PipelineSchedule;
import org.longhaul.tensor.DType;

/**
 * The memory of one pipeline rank, from the same layout and activation plan that training allocates.
 *
 * @param rank pipeline rank
 * @param layers decoder layers held
 * @param rows bytes by name, in the order of the table, of the device that computes
 * @param staged bytes of the machine's memory that saves are written from, a copy of master weights and moments; none of the rows
 */
public record RankMemory(int rank, int layers, Map<String, Long> rows, long staged) {
    /** What modules of cuBLASLt, cuDNN and our kernels and the recorded graphs take; not known before they are loaded: 20–140 MiB on an H200. */
    private static final long LIBRARIES = 128L << 20;
    private static final long NCCL_GROUP = 224L << 20;
    private static final long NCCL_LINK = 40L << 20;

    /** Bytes of the device in all. */
    public long total() {
        return rows.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The rows and their sum, a line each. */
    public String table() {
        StringBuilder out = new StringBuilder();
        rows.forEach((name, bytes) -> out.append(line(name, bytes)));
        return out.append(line("in all", total())).toString();
    }

    private static String line(String name, long bytes) {
        return String.format(Locale.ROOT, "  %-52s %12s%n", name, Sizes.bytes(bytes));
    }

    /** Every pipeline rank of a job; throws IllegalArgumentException with the reason when the layout cannot be. */
    public static List<RankMemory> of(TrainConfig config, Mesh mesh) {
        int accumulation = config.batch().accumulation(mesh.data());
        List<RankMemory> ranks = new ArrayList<>();
        for (int p = 0; p < mesh.pipeline(); p++) {
            ranks.add(of(config, mesh, p, accumulation));
        }
        return ranks;
    }

    private static RankMemory of(TrainConfig config, Mesh mesh, int p, int accumulation) {
        DType type = config.device().computeType();
        Map<String, Long> rows = new LinkedHashMap<>();
        List<Integer> slots = PipelineSchedule.of(mesh.pipeline(), p, mesh.virtualStages(), accumulation).inFlight();
        int stages = mesh.pipeline() * mesh.virtualStages();
        int layers = 0;
        long staged = 0;
        for (int c = 0; c < mesh.virtualStages(); c++) {
            StageRange range = StageRange.of(config.model(), c * mesh.pipeline() + p, stages);
            layers += range.layers();
            ParameterLayout layout = new ParameterLayout(config.model(), range, 0, mesh.tensor(), mesh.data());
            long share = layout.elements() / mesh.data();
            add(rows, "weights, " + type, layout.elements() * type.bytes());
            add(rows, "gradients, F32", layout.elements() * 4);
            boolean separate = type != DType.F32 || mesh.data() > 1;
            add(rows, "master weights, F32, 1/" + mesh.data() + " each", separate ? share * 4 : 0);
            DType moments = config.optimizer().moments().type();
            add(rows, "AdamW moments, 2 × " + moments + ", 1/" + mesh.data() + " each", share * 2 * moments.bytes());
            staged += share * (4 + 2 * moments.bytes());
            BatchShape shape = new BatchShape(config.batch().microBatch(), config.model().context(), 0, mesh.tensor());
            activations(rows, ModelStage.plan(config.model(), range, shape, config.stageOptions(slots.get(c), mesh), type));
            add(rows, "rotary tables, F32", 4L * config.model().context() * config.model().headDim());
        }
        if (config.ranks().prefetchReceives() && mesh.pipeline() > 1 && (p > 0 || mesh.virtualStages() > 1)) {
            long local = (long) config.batch().microBatch() * config.model().context() / mesh.tensor();
            add(rows, "pipeline arrivals", local * config.model().dModel() * type.bytes());
        }
        if (config.device().kind() == DeviceConfig.Kind.CUDA) {
            onTheGpu(rows, config, mesh, layers, p == 0);
            add(rows, "library code and CUDA graphs (allowance)", LIBRARIES);
            add(rows, "NCCL buffers (allowance)", nccl(mesh));
        }
        return new RankMemory(p, layers, rows, staged);
    }

    // What CudaOps holds besides the arenas above.
    private static void onTheGpu(Map<String, Long> rows, TrainConfig config, Mesh mesh, int layers, boolean embedding) {
        ModelConfig m = config.model();
        AttentionShape attention = new AttentionShape(
                config.batch().microBatch(), m.context(), m.heads() / mesh.tensor(), m.kvHeads() / mesh.tensor(), m.headDim());
        add(rows, "workspace of matrix products and attention",
                CudaOps.plannedBytes(CudaSettings.GEMM_WORKSPACE, attention, config.device().deterministic(), config.data().documentMask(),
                        embedding ? m.dModel() : 0));
        if (config.device().fp8()) {
            long d = m.dModel();
            long f = m.ffn() / mesh.tensor();
            long weights = layers * (d * attention.qkvWidth() + d * attention.outWidth() + 3 * d * f);
            add(rows, "8-bit copies of weights and operands",
                    CudaOps.plannedFp8Bytes(weights, attention.tokens(), Math.max(2 * f, attention.qkvWidth()), d));
        }
    }

    // A buffer for each protocol (4 MiB, 4.7 MiB and 0.5 MiB) and channel of each neighbour in a ring; links are two ranks and few channels.
    private static long nccl(Mesh mesh) {
        long groups = (mesh.size() > 1 ? 1 : 0) + (mesh.tensor() > 1 ? 1 : 0) + (mesh.data() > 1 ? 1 : 0);
        return groups * NCCL_GROUP + (mesh.pipeline() > 1 ? 4 * NCCL_LINK : 0);
    }

    private static void activations(Map<String, Long> rows, ActivationPlan plan) {
        for (ActivationPlan.Buffer buffer : plan.buffers()) {
            if (buffer.kept()) {
                int dot = buffer.name().lastIndexOf('.');
                String name = buffer.name().startsWith("layers.") ? "layers.*." + buffer.name().substring(dot + 1) : "ends of the stage";
                add(rows, "kept × " + plan.slots() + " in flight: " + name, plan.slots() * buffer.bytes());
            }
        }
        add(rows, "scratch of a layer or the loss head", plan.scratchBytes());
    }

    private static void add(Map<String, Long> rows, String name, long bytes) {
        if (bytes > 0) {
            rows.merge(name, bytes, Long::sum);
        }
    }
}
