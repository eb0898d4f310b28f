package org.longhaul.interchange;

import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Locale;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointRef;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.CheckpointTokenizer;
import org.longhaul.checkpoint.StreamedBox;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a Hugging Face folder and reads it back. */
@Command(name = "export-hf", description = "Write a checkpoint's weights as a Hugging Face folder that transformers and vLLM load "
        + "(LlamaForCausalLM, safetensors), then read it back and compare.")
final class ExportHfCommand implements Runnable {
    private enum Check { LOGITS, BYTES, NONE }

    @Parameters(index = "0", paramLabel = "CHECKPOINT", description = "A run's folder (its newest step) or one step's folder.")
    private String source;

    @Parameters(index = "1", paramLabel = "FOLDER", description = "Folder to write; empty or not there yet.")
    private Path target;

    @Option(names = "--dtype", paramLabel = "DTYPE", defaultValue = "bf16", description = "Element type: bf16 or f32 (default: ${DEFAULT-VALUE}).")
    private String dtype;

    @Option(names = "--max-shard-gb", paramLabel = "GB", defaultValue = "5", description = "Largest weight file in GB (default: ${DEFAULT-VALUE}).")
    private double maxShardGb;

    @Option(names = "--tokenizer", paramLabel = "FOLDER", description = "Folder with the tokenizer.json that the model was trained with; its files are "
            + "copied (default: the data set's, where it is still there, or an imported checkpoint's own).")
    private Path tokenizer;

    @Option(names = "--check", paramLabel = "CHECK", defaultValue = "LOGITS", description = "After writing: logits (also compares every byte; layer by layer, so "
            + "it needs memory for one layer and the head), bytes, or none (default: logits).")
    private Check check;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        DType type = switch (dtype.toLowerCase(Locale.ROOT)) {
            case "bf16" -> DType.BF16;
            case "f32", "fp32" -> DType.F32;
            default -> throw UserError.badInput("--dtype must be bf16 or f32: " + dtype);
        };
        if (!(maxShardGb > 0)) {
            throw UserError.badInput("--max-shard-gb must be above 0: " + maxShardGb);
        }
        CheckpointRef ref = CheckpointRef.parse(source);
        try (CheckpointStore store = ref.store()) {
            Checkpoint checkpoint = ref.open(store);
            Path data = tokenizer != null ? tokenizer : HfExport.tokenizerOf(checkpoint.meta(), checkpoint.path());
            Path words = data != null ? data : CheckpointTokenizer.unpack(checkpoint).orElse(null);
            new HfExport(checkpoint, type, (long) (maxShardGb * 1e9), words).write(target);
            out.println("wrote " + target + " from " + checkpoint.path()
                    + (words == null ? "; without a tokenizer, see --tokenizer" : ", tokenizer of " + (data == null ? "the checkpoint" : data)));
            if (check != Check.NONE) {
                check(out, checkpoint, type);
            }
        }
    }

    private void check(PrintWriter out, Checkpoint checkpoint, DType type) {
        try (HfFolder folder = HfFolder.open(target)) {
            for (StreamedBox box : folder.weights(type)) {
                compare(checkpoint, box);
            }
            out.println("read back: every weight is the checkpoint's" + (type == DType.BF16 ? ", rounded to bf16" : ""));
            if (check == Check.LOGITS) {
                ExportCheck.Result r = ExportCheck.compare(checkpoint, folder);
                out.printf("logits of the two: %.3e apart, the largest is %.3e%s%n", r.maxDifference(), r.maxLogit(),
                        type == DType.BF16 ? "; rounding to bf16 moved them by at most %.3e".formatted(r.rounding()) : "");
                if (r.maxDifference() != 0) {
                    throw UserError.badInput(target + " does not give the checkpoint's logits: " + r.maxDifference() + " apart");
                }
            }
        } catch (IOException e) {
            throw UserError.environment("cannot read " + target + ": " + Reason.of(e), e);
        }
    }

    // A running hash of both sides needs no second copy of a tensor in memory.
    private void compare(Checkpoint checkpoint, StreamedBox box) throws IOException {
        StreamHash ours = new StreamHash();
        StreamHash theirs = new StreamHash();
        checkpoint.stream(box.box(), box.dtype(), ours::accept);
        box.source().stream(theirs::accept);
        if (ours.value() != theirs.value()) {
            throw UserError.environment(target + ": tensor " + box.box().tensor() + " read back differs from the checkpoint; is the disk sound?");
        }
    }

    /** A 64-bit hash of bytes that come in pieces. */
    private static final class StreamHash {
        private final HashStream64 stream = Hashing.xxh3_64().hashStream();
        private final byte[] block = new byte[1 << 16];

        void accept(ByteBuffer bytes) {
            bytes.order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                int n = Math.min(block.length, bytes.remaining());
                bytes.get(block, 0, n);
                stream.putBytes(block, 0, n);
            }
        }

        long value() {
            return stream.getAsLong();
        }
    }
}
