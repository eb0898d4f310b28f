package org.longhaul.checkpoint;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.longhaul.checkpoint.Boxes.Piece;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Copies a checkpoint into another cut. Loading needs no such thing; it serves to move, shrink and merge. */
@Command(name = "reshard", description = "Copy a checkpoint to another place or file system, in another number of files, with weights only "
        + "or in bf16. Resuming on another layout does not need it: every layout reads every checkpoint.")
final class ReshardCommand implements Runnable {
    private static final long PIECE = 256L << 20;

    @Parameters(index = "0", paramLabel = "CHECKPOINT", description = "A run's folder (its newest step) or one step's folder.")
    private String source;

    @Parameters(index = "1", paramLabel = "FOLDER", description = "Folder of checkpoints to write to.")
    private String target;

    @Option(names = "--files", paramLabel = "N", defaultValue = "1", description = "Data files to write (default: ${DEFAULT-VALUE}).")
    private int files;

    @Option(names = "--weights-only", description = "Leave the optimizer's moments out.")
    private boolean weightsOnly;

    @Option(names = "--dtype", paramLabel = "DTYPE", defaultValue = "keep", description = "Element type of the copy: keep, f32 or bf16 (default: ${DEFAULT-VALUE}).")
    private String dtype;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        if (files < 1) {
            throw UserError.badInput("--files must be at least 1: " + files);
        }
        PrintWriter out = spec.commandLine().getOut();
        CheckpointRef ref = CheckpointRef.parse(source);
        try (CheckpointStore from = ref.store(); CheckpointStore to = CheckpointStore.open(target)) {
            Checkpoint c = ref.open(from);
            List<StreamedBox> boxes = new ArrayList<>();
            for (String name : c.tensorNames()) {
                if (weightsOnly && (name.endsWith(".exp_avg") || name.endsWith(".exp_avg_sq"))) {
                    continue;
                }
                DType type = type(c.dtype(name));
                Box whole = c.box(name);
                for (long at = 0; at < whole.elements(); at += PIECE / type.bytes()) {
                    for (Piece p : Boxes.flatRange(whole, at, Math.min(at + PIECE / type.bytes(), whole.elements()))) {
                        boxes.add(new StreamedBox(p.box(), type, sink -> c.stream(p.box(), type, sink)));
                    }
                }
            }
            Map<String, byte[]> tokenizer = CheckpointTokenizer.forCopy(c);
            String name = to.write(c.meta(), boxes, files, tokenizer);
            out.println("wrote " + to.root() + "/" + name + (tokenizer.isEmpty() ? ", without a tokenizer: its data set is not found" : ", its tokenizer beside the weights"));
        }
    }

    private DType type(DType stored) {
        return switch (dtype.toLowerCase(Locale.ROOT)) {
            case "keep" -> stored;
            case "f32", "fp32" -> DType.F32;
            case "bf16" -> DType.BF16;
            default -> throw UserError.badInput("--dtype must be keep, f32 or bf16: " + dtype);
        };
    }
}
