package org.longhaul.interchange;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.CheckpointTokenizer;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tensor.DType;
import org.longhaul.tokenizer.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a checkpoint of a Hugging Face folder. */
@Command(name = "import-hf", description = "Make a checkpoint (step 0, weights only) of a Hugging Face Llama folder, to evaluate, to "
        + "generate, or to train on with init_from. It keeps the folder's tokenizer.")
final class ImportHfCommand implements Runnable {
    @Parameters(index = "0", paramLabel = "FOLDER", description = "Hugging Face folder: config.json and safetensors.")
    private Path source;

    @Parameters(index = "1", paramLabel = "CHECKPOINTS", description = "Folder of checkpoints to write to.")
    private String target;

    @Option(names = "--dtype", paramLabel = "DTYPE", defaultValue = "f32", description = "Element type: f32, as training's master weights, bf16, or keep "
            + "(default: ${DEFAULT-VALUE}).")
    private String dtype;

    @Option(names = "--files", paramLabel = "N", defaultValue = "1", description = "Data files to write (default: ${DEFAULT-VALUE}).")
    private int files;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        DType type = switch (dtype.toLowerCase(Locale.ROOT)) {
            case "f32", "fp32" -> DType.F32;
            case "bf16" -> DType.BF16;
            case "keep" -> null;
            default -> throw UserError.badInput("--dtype must be f32, bf16 or keep: " + dtype);
        };
        if (files < 1) {
            throw UserError.badInput("--files must be at least 1: " + files);
        }
        PrintWriter out = spec.commandLine().getOut();
        try (HfFolder folder = HfFolder.open(source); CheckpointStore store = CheckpointStore.open(target)) {
            Map<String, String> fingerprints = new HashMap<>();
            Map<String, byte[]> words = tokenizer(out, fingerprints);
            CheckpointMeta meta = new CheckpointMeta(0, SaveKind.PERMANENT, folder.model(), "", fingerprints,
                    new ObjectMapper().createObjectNode());
            String name = store.write(meta, folder.weights(type), files, words);
            out.println("wrote " + store.root() + "/" + name + "\nmodel: " + folder.model());
        } catch (IOException e) {
            throw UserError.environment("cannot read " + source + ": " + Reason.of(e), e);
        }
    }

    // Weights are of use without a tokenizer that we can run.
    private Map<String, byte[]> tokenizer(PrintWriter out, Map<String, String> fingerprints) throws IOException {
        Map<String, byte[]> files = CheckpointTokenizer.in(source);
        if (files.isEmpty()) {
            out.println(source + " has no tokenizer.json: the checkpoint knows no tokenizer, generate and export-hf need --tokenizer");
            return files;
        }
        try {
            fingerprints.put("tokenizer", Tokenizer.load(source).fingerprint());
            return files;
        } catch (UserError e) {
            out.println("the tokenizer is not recorded: " + e.getMessage());
            return Map.of();
        }
    }
}
