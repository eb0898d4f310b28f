package org.longhaul.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointRef;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.DataPlace;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardSet;
import org.longhaul.shards.TokenSplit;
import org.longhaul.tensor.Backend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul validate}: loss and bits per byte of a checkpoint on a split of shards. */
@Command(name = "validate", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures a checkpoint on a split of shards: loss in nats a token, perplexity, bits a byte of text.",
        footer = {"", "Example: longhaul validate runs/7b/checkpoints --tokens 1000000"})
final class ValidateCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(ValidateCommand.class);

    @Parameters(paramLabel = "CHECKPOINT", description = "A run's checkpoints folder (its newest step) or one step's folder.")
    private String checkpoint;

    @Option(names = "--data", paramLabel = "FOLDER", description = "Shards to measure on; otherwise those that the run validates on, of validation.path or data.path.")
    private Path data;

    @Option(names = "--split", paramLabel = "SPLIT", defaultValue = "validation", description = "Split of the shards (default: ${DEFAULT-VALUE}).")
    private String split;

    @Option(names = "--tokens", paramLabel = "N", defaultValue = "0", description = "Most tokens to predict; 0 for all (default: ${DEFAULT-VALUE}).")
    private long tokens;

    @Option(names = "--batch", paramLabel = "N", defaultValue = "8", description = "Sequences at once (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "cpu", description = "cpu or cuda (default: ${DEFAULT-VALUE}).")
    private String device;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (batch < 1 || tokens < 0) {
            throw UserError.badInput("--batch must be at least 1 and --tokens not negative: " + batch + ", " + tokens);
        }
        DeviceConfig.Kind kind = switch (device) {
            case "cpu" -> DeviceConfig.Kind.CPU;
            case "cuda" -> DeviceConfig.Kind.CUDA;
            default -> throw UserError.badInput("--device must be cpu or cuda: " + device);
        };
        CheckpointRef ref = CheckpointRef.parse(checkpoint);
        try (CheckpointStore store = ref.store()) {
            Checkpoint opened = ref.open(store);
            ShardSet shards = ShardSet.open(folder(opened));
            requireSameTokenizer(opened.meta(), shards);
            String trained = opened.meta().fingerprints().get("dataset");
            if (data == null && ofTraining(opened) && trained != null && !trained.equals(shards.fingerprint())) {
                LOG.warn("{} is not as it was when {} was trained on it", shards.folder(), opened.path());
            }
            TokenSplit measured = shards.split(split);
            try (Backend backend = RankSetup.backend(new DeviceConfig(kind, 0, false, DeviceConfig.Precision.BF16, DeviceConfig.Graphs.OFF));
                    LoadedModel model = new LoadedModel(backend, kind, opened, batch, withinDocuments(opened))) {
                double bytesPerToken = (double) measured.bytes() / measured.tokens();
                Validation v = Validation.of(model, TrainData.source(measured), bytesPerToken, batch, opened.meta().model().context(), tokens);
                spec.commandLine().getOut().printf(Locale.ROOT,
                        "%s, step %d, split %s: loss %.5f nats a token, perplexity %.3f, %.5f bits a byte, %,d tokens; unigram entropy %.4f%n",
                        opened.path(), opened.meta().step(), split, v.loss(), Math.exp(v.loss()), v.bitsPerByte(), v.tokens(),
                        measured.unigramEntropy());
                spec.commandLine().getOut().flush();
            }
        }
        return ExitCode.DONE.status();
    }

    private static boolean withinDocuments(Checkpoint opened) {
        return !opened.meta().configYaml().isEmpty() && config(opened).data().documentMask();
    }

    private static TrainConfig config(Checkpoint opened) {
        return ConfigLoader.parse(opened.meta().configYaml(), opened.path(), List.of(), TrainConfig.class);
    }

    private Path folder(Checkpoint opened) {
        if (data != null) {
            return data;
        }
        if (opened.meta().configYaml().isEmpty()) {
            throw UserError.badInput(opened.path() + ": was not trained here and names no shards; name some with --data");
        }
        TrainConfig config = config(opened);
        // What the run itself validates on.
        Path named = config.validation().path().orElse(config.data().path());
        List<Path> places = config.validation().path().isPresent() ? DataPlace.candidates(opened.path(), named) : DataPlace.candidates(opened, named);
        return DataPlace.having(ShardManifest.FILE, places, named, opened.path(), "--data");
    }

    private static boolean ofTraining(Checkpoint opened) {
        return config(opened).validation().path().isEmpty();
    }

    private static void requireSameTokenizer(CheckpointMeta meta, ShardSet shards) {
        Optional.ofNullable(meta.fingerprints().get("tokenizer")).filter(f -> !f.equals(shards.manifest().tokenizer().fingerprint()))
                .ifPresent(f -> {
                    throw UserError.badInput(shards.folder() + ": its tokenizer " + shards.manifest().tokenizer().fingerprint()
                            + " is not the model's " + f + "; make shards with the model's tokenizer");
                });
    }
}
