package org.longhaul.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.model.Recompute;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.Gemm;
import org.longhaul.natives.KernelCompiler;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.profile.OpsProfile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code longhaul bench gpu}: the training step on one GPU, ours and the PyTorch peers in turn. */
@Command(name = "gpu", description = "Measures the training step on one GPU, with the PyTorch peers of a folder in the same run; writes JSON and prints a table.")
final class GpuBench implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--shapes", paramLabel = "SHAPE", split = ",", description = "Of 160m, 1b, 7b8, 7b8x8acc, 67b2 (default: these), small.")
    private List<String> shapes = BenchShape.ALL.stream().map(BenchShape::name).toList();

    @Option(names = "--steps", paramLabel = "N", description = "Measured steps; the median counts (default: ${DEFAULT-VALUE}).")
    private int steps = 10;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps before them (default: ${DEFAULT-VALUE}).")
    private int warmup = 4;

    @Option(names = "--rounds", paramLabel = "N", description = "How often the whole list is run; every second round the peer goes first (default: ${DEFAULT-VALUE}).")
    private int rounds = 1;

    @Option(names = "--graph", negatable = true, defaultValue = "true", fallbackValue = "true", description = "Launch micro-batches as CUDA graphs (default) or one call at a time.")
    private boolean graph;

    @Option(names = "--recompute", paramLabel = "RECOMPUTE", description = "What the backward computes again: none, selective or full (default: ${DEFAULT-VALUE}).")
    private String recompute = "none";

    @Option(names = "--precision", paramLabel = "PRECISION", description = "Arithmetic of the decoder layers' matrix products: bf16 or fp8 (default: ${DEFAULT-VALUE}).")
    private String precision = "bf16";

    @Option(names = "--loss-chunk", paramLabel = "N", description = "Tokens of a chunk of the loss head (default: ${DEFAULT-VALUE}).")
    private long lossChunk = 8192;

    @Option(names = "--peers", paramLabel = "FOLDER", description = "Folder with torch_llama.py; without it only ours runs.")
    private Path peers;

    @Option(names = "--python", paramLabel = "COMMAND", description = "The Python that has PyTorch (default: ${DEFAULT-VALUE}).")
    private String python = "python3";

    @Option(names = "--variants", paramLabel = "VARIANTS", description = "The peer's variants: eager, compile (default: ${DEFAULT-VALUE}).")
    private String variants = "compile";

    @Option(names = "--same-start", paramLabel = "SHAPE", split = ",", description = "Shapes for which the peer begins with our weights and data, to compare losses (4 bytes a parameter "
            + "go through the temporary folder).")
    private List<String> sameStart = List.of();

    @Option(names = "--micro-batch", paramLabel = "N", description = "Sequences of a micro-batch in place of the shapes' own.")
    private int microBatch;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the results here, as JSON.")
    private Path json;

    @Option(names = "--profile", paramLabel = "FOLDER", description = "Folder for a page and a trace of every shape's operations, timed in steps without graphs.")
    private Path profile;

    @Option(names = "--device", paramLabel = "N", description = "Number of the GPU, from 0 (default: ${DEFAULT-VALUE}).")
    private int device;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of weights and data (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Override
    public Integer call() {
        if (steps < 1 || warmup < 1 || rounds < 1) {
            throw UserError.badInput("--steps, --warmup and --rounds must be at least 1");
        }
        List<BenchShape> list = shapes.stream().map(GpuBench::shape).map(s -> microBatch > 0 ? s.with(microBatch) : s).toList();
        GpuBenchOptions options = new GpuBenchOptions(steps, warmup, graph, mode(recompute), lossChunk, seed, fp8(precision), profile);
        Peers peer = peers == null ? null : new Peers(peers, python);
        PrintWriter out = spec.commandLine().getOut();
        List<BenchResult> results = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            for (BenchShape shape : list) {
                // The peer can only begin with what ours has written.
                int before = results.size();
                Path start = peer != null && sameStart.contains(shape.name()) ? temporary() : null;
                boolean first = round % 2 == 0 || start != null;
                if (first) {
                    results.add(ours(shape, options, start, out));
                }
                if (peer != null) {
                    results.addAll(peer.run(shape, variants, steps, warmup, start));
                }
                if (!first) {
                    results.add(ours(shape, options, null, out));
                }
                if (start != null) {
                    results.addAll(peer.rounded(shape, steps, warmup, start));
                    remove(start);
                }
                results.subList(before, results.size()).forEach(r -> out.println(BenchTable.line(r)));
                out.flush();
                if (json != null) {
                    // After every shape: a call cut short keeps what it has measured.
                    write(results);
                }
            }
        }
        out.println();
        out.print(BenchTable.of(results));
        out.flush();
        return results.stream().anyMatch(r -> r.program().equals("longhaul") && !r.ran()) ? 3 : 0;
    }

    private static BenchShape shape(String name) {
        return BenchShape.of(name).orElseThrow(() -> UserError.badInput("--shapes: no shape " + name + "; there are "
                + String.join(", ", BenchShape.ALL.stream().map(BenchShape::name).toList()) + ", small"));
    }

    private static Recompute mode(String name) {
        try {
            return Recompute.valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw UserError.badInput("--recompute must be none, selective or full: " + name, e);
        }
    }

    private static boolean fp8(String name) {
        if (!name.equals("bf16") && !name.equals("fp8")) {
            throw UserError.badInput("--precision must be bf16 or fp8: " + name);
        }
        return name.equals("fp8");
    }

    // A backend of its own each time, so that the peer finds the whole memory free.
    private BenchResult ours(BenchShape shape, GpuBenchOptions options, Path start, PrintWriter out) {
        AtomicReference<CudaOps> ops = new AtomicReference<>();
        try (OpsProfile watch = new OpsProfile();
                CudaBackend backend = new CudaBackend(CudaSettings.standard(device), b -> {
                    ops.set(new CudaOps(b));
                    return options.profile() == null ? ops.get() : watch.watch(ops.get());
                })) {
            BenchResult result = BenchStep.measure(backend, shape, options, watch, start);
            out.print(ops.get().report().indent(2));
            return result;
        } catch (UserError e) {
            return BenchResult.failed("longhaul", shape.name(), e.getMessage());
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempFile("longhaul-start", ".bin");
        } catch (IOException e) {
            throw UserError.environment("no temporary file for the initial weights: " + e.getMessage(), e);
        }
    }

    private static void remove(Path start) {
        try {
            Files.deleteIfExists(start);
            Files.deleteIfExists(start.resolveSibling(start.getFileName() + ".py"));
        } catch (IOException e) {
            throw UserError.environment("cannot remove " + start + ": " + e.getMessage(), e);
        }
    }

    private void write(List<BenchResult> results) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("date", Instant.now().toString());
        try (CudaDevice gpu = CudaDevice.open(device)) {
            root.put("gpu", gpu.name());
            root.put("driver_cuda", CudaDevice.driverVersion());
        }
        root.put("nvrtc", KernelCompiler.version());
        root.put("cublaslt", Gemm.version());
        root.put("java", System.getProperty("java.vm.version"));
        root.put("steps", steps).put("warmup", warmup).put("rounds", rounds).put("graph", graph);
        root.put("precision", precision).put("recompute", recompute).put("loss_chunk", lossChunk);
        root.set("results", mapper.valueToTree(results));
        try {
            Files.write(json, mapper.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
        } catch (IOException e) {
            throw UserError.environment("cannot write " + json + ": " + Reason.of(e), e);
        }
    }
}
