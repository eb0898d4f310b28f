package org.longhaul.generate;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointRef;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.CheckpointTokenizer;
import org.longhaul.checkpoint.DataPlace;
import org.longhaul.config.ConfigLoader;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.model.ModelConfig;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.shards.TokenizerSums;
import org.longhaul.tensor.Backend;
import org.longhaul.tokenizer.StreamingDecoder;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.train.TrainConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul generate}: lets a trained model go on with a text. */
@Command(name = "generate", sortOptions = false, description = "Lets a trained model go on with a text.")
final class GenerateCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(GenerateCommand.class);

    private enum Kind { cpu, cuda }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "CHECKPOINT", description = "A run's checkpoints folder (its newest step) or one step's folder.")
    private String checkpoint;

    @Option(names = "--prompt", paramLabel = "TEXT", defaultValue = "", description = "The text to go on with; without it a new document begins.")
    private String prompt;

    @Option(names = "--tokens", paramLabel = "N", defaultValue = "128", description = "Most tokens to write (default: ${DEFAULT-VALUE}).")
    private int tokens;

    @Option(names = "--temperature", paramLabel = "T", defaultValue = "0.8", description = "0 takes the likeliest token (default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "K", defaultValue = "0", description = "Draw among the K likeliest tokens; 0 among all (default: ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P", defaultValue = "0.95", description = "Draw among the likeliest tokens of this probability together (default: ${DEFAULT-VALUE}).")
    private double topP;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of the draws (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--tokenizer", paramLabel = "FILE", description = "tokenizer.json; otherwise the one of the data set that the checkpoint was trained on, or that it was imported with.")
    private Path tokenizerFile;

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "cpu", description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Kind device;

    @Override
    public Integer call() {
        SamplerConfig sampling = sampling();
        CheckpointRef ref = CheckpointRef.parse(checkpoint);
        try (CheckpointStore store = ref.store()) {
            Checkpoint opened = ref.open(store);
            Tokenizer tokenizer = tokenizer(opened);
            ModelConfig model = opened.meta().model();
            int[] text = promptTokens(tokenizer, model);
            try (Backend backend = device == Kind.cpu ? new CpuBackend() : new CudaBackend(CudaSettings.standard(0), CudaOps::new);
                    LanguageModel languageModel = LanguageModel.load(backend, opened, window(model, text.length))) {
                write(languageModel, tokenizer, text, new Sampler(sampling, seed));
            }
        }
        return ExitCode.DONE.status();
    }

    private SamplerConfig sampling() {
        if (tokens < 1) {
            throw UserError.badInput("--tokens must be at least 1: " + tokens);
        }
        try {
            return new SamplerConfig(temperature, topK, topP);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput("--" + e.getMessage(), e);
        }
    }

    private Tokenizer tokenizer(Checkpoint opened) {
        Path file = tokenizerFile != null ? tokenizerFile : CheckpointTokenizer.unpack(opened).orElseGet(() -> ofData(opened));
        if (!Files.exists(file)) {
            throw UserError.badInput(file + ": no such tokenizer; name one with --tokenizer");
        }
        TokenizerSums.require(Files.isDirectory(file) ? file.resolve("tokenizer.json") : file).ifPresent(LOG::info);
        Tokenizer tokenizer = Tokenizer.load(file);
        String trainedWith = opened.meta().fingerprints().get("tokenizer");
        if (trainedWith != null && !trainedWith.equals(tokenizer.fingerprint())) {
            boolean kept = tokenizerFile == null && opened.meta().configYaml().isEmpty();
            throw UserError.badInput((kept ? opened.path() + "/" + CheckpointTokenizer.JSON : file) + ": is not the tokenizer that " + opened.path() + " was trained with; name that one with --tokenizer");
        }
        return tokenizer;
    }

    private static Path ofData(Checkpoint opened) {
        if (opened.meta().configYaml().isEmpty()) {
            throw UserError.badInput(opened.path() + ": was not trained here and knows no tokenizer; name it with --tokenizer");
        }
        TrainConfig config = ConfigLoader.parse(opened.meta().configYaml(), opened.path(), List.of(), TrainConfig.class);
        Path named = config.data().path();
        return DataPlace.having("tokenizer.json", DataPlace.candidates(opened, named), named, opened.path(), "--tokenizer").resolve("tokenizer.json");
    }

    private int[] promptTokens(Tokenizer tokenizer, ModelConfig model) {
        // As documents of the shards begin; where nothing stands in front of them, behind the end of another, which is all the model has seen.
        int[] words = tokenizer.encodeOrdinary(prompt);
        int[] text = new int[words.length + 1];
        text[0] = tokenizer.textPrefix().orElseGet(tokenizer::endOfSentence);
        System.arraycopy(words, 0, text, 1, words.length);
        if (text.length >= model.context()) {
            throw UserError.badInput("--prompt has " + words.length + " tokens, the model's context is " + model.context() + "; shorten it");
        }
        return text;
    }

    private int window(ModelConfig model, int promptLength) {
        return Math.min(model.context(), promptLength + tokens);
    }

    private void write(LanguageModel model, Tokenizer tokenizer, int[] start, Sampler sampler) {
        PrintWriter out = spec.commandLine().getOut();
        StreamingDecoder decoder = tokenizer.streamingDecoder();
        out.print(prompt);
        int[] text = Arrays.copyOf(start, start.length + tokens);
        for (int length = start.length; length < text.length; length++) {
            text[length] = sampler.next(model.logits(text, Math.max(0, length - model.window()), length));
            if (text[length] == tokenizer.endOfSentence()) {
                break;
            }
            if (tokenizer.isToken(text[length])) {
                out.print(decoder.next(text[length]));
                out.flush();
            }
        }
        out.println(decoder.finish());
        out.flush();
    }
}
