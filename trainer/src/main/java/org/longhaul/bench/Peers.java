package org.longhaul.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** The PyTorch peer {@code torch_llama.py} of a folder: same work, one JSON line a variant. */
final class Peers {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LIMIT_MINUTES = 15;
    private static final String USUAL_ATTENTION = "cudnn";

    private final Path script;
    private final String python;

    Peers(Path folder, String python) {
        this.script = folder.resolve("torch_llama.py");
        this.python = python;
        if (!Files.isReadable(script)) {
            throw UserError.badInput("--peers " + folder + " has no torch_llama.py");
        }
    }

    /** Runs the peer, from our weights and data where {@code start} names them. */
    List<BenchResult> run(BenchShape shape, String variants, int steps, int warmup, Path start) {
        return run(shape, variants, USUAL_ATTENTION, steps, warmup, start);
    }

    /**
     * The peer from the same start with other kernels, eager and FlashAttention: how far apart its own losses come by rounding alone, which
     * is what a distance to ours can be measured with.
     */
    List<BenchResult> rounded(BenchShape shape, int steps, int warmup, Path start) {
        List<BenchResult> results = new ArrayList<>(run(shape, "eager", USUAL_ATTENTION, steps, warmup, start));
        results.addAll(run(shape, "eager", "flash", steps, warmup, start));
        return results;
    }

    private List<BenchResult> run(BenchShape shape, String variants, String attention, int steps, int warmup, Path start) {
        List<String> command = new ArrayList<>(List.of(python));
        if (start != null) {
            try {
                command.addAll(List.of(PeerStart.script(start).toString(), start.toString()));
            } catch (IOException e) {
                throw UserError.environment("cannot write beside " + start + ": " + Reason.of(e), e);
            }
        }
        command.addAll(List.of(
                script.toString(), "--shape", shape.peerShape(), "--micro-batch", "" + shape.microBatch(), "--accumulate",
                "" + shape.accumulate(), "--seq", "" + shape.model().context(), "--vocab", "" + shape.model().vocab(), "--steps", "" + steps,
                "--warmup", "" + warmup, "--variants", variants, "--sdpa", attention));
        List<BenchResult> results = new ArrayList<>();
        String tail = "";
        try {
            Path log = Files.createTempFile("longhaul-peer", ".log");
            Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
            if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly().waitFor();
                tail = "no answer within " + LIMIT_MINUTES + " minutes";
            }
            for (String line : Files.readAllLines(log)) {
                if (line.startsWith("{")) {
                    results.add(result(shape, JSON.readTree(line), start != null));
                } else if (!line.isBlank()) {
                    tail = line.strip();
                }
            }
            Files.delete(log);
        } catch (IOException e) {
            throw UserError.environment("cannot run the peer with " + python + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment("interrupted while the peer ran", e);
        }
        if (results.isEmpty()) {
            results.add(BenchResult.failed("torch " + variants, shape.name(), tail));
        }
        return results;
    }

    private static BenchResult result(BenchShape shape, JsonNode line, boolean sameStart) {
        String attention = line.path("sdpa").asText();
        String program = "torch " + line.path("variant").asText() + (attention.equals("flash") ? " flash" : "");
        if (line.has("error")) {
            return BenchResult.failed(program, shape.name(), line.path("error").asText().lines().findFirst().orElse("failed"));
        }
        double seconds = line.path("step_s").asDouble();
        double speed = shape.tokensPerStep() / seconds;
        return new BenchResult(
                program, shape.name(), seconds, 0, speed, shape.teraflops(speed), line.path("peak_gib").asDouble(), 0,
                line.path("loss").asDouble(), "torch " + line.path("torch").asText() + ", " + attention + (sameStart ? ", same start" : ""));
    }
}
