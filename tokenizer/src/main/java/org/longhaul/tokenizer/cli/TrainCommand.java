package org.longhaul.tokenizer.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.longhaul.cli.Progress;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.SpecialTokens;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.TokenizerFiles;
import org.longhaul.tokenizer.TrainedVocabulary;
import org.longhaul.tokenizer.text.TextFiles;
import org.longhaul.tokenizer.train.BpeTrainer;
import org.longhaul.tokenizer.train.BpeTrainingConfig;
import org.longhaul.tokenizer.train.CorpusCounter;
import org.longhaul.tokenizer.train.SortedRuns;
import org.longhaul.tokenizer.train.TrainingFolder;
import org.longhaul.tokenizer.train.WordCounter;
import org.longhaul.tokenizer.train.WordCounts;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul tokenizer train}: learns a vocabulary from local files, or from word counts that were made elsewhere. */
@Command(name = "train", description = "Learn a byte-level BPE vocabulary from JSON lines or plain text, on this machine.")
final class TrainCommand implements Callable<Integer> {
    private static final double SAVE_SECONDS = 30;

    @Parameters(paramLabel = "INPUT", arity = "1..*", description = "Files or folders: .jsonl, .jsonl.gz, or plain text; with --counts: files of word counts.")
    private List<Path> inputs;

    @Option(names = {"-o", "--output"}, required = true, paramLabel = "FOLDER", description = "Where tokenizer.json and tokenizer_config.json go.")
    private Path output;

    @Option(names = "--vocab-size", paramLabel = "N", defaultValue = "100000", description = "Tokens to learn, base alphabet included; the 15 special tokens come on top (default: ${DEFAULT-VALUE}).")
    private int vocabularySize;

    @Option(names = "--pre-tokenizer", paramLabel = "NAME", defaultValue = "DEEPSEEK", description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private PreTokenizer preTokenizer;

    @Option(names = "--alphabet", paramLabel = "ALPHABET", defaultValue = "UTF8", description = "Bytes that are tokens from the start: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private BpeTrainingConfig.Alphabet alphabet;

    @Option(names = "--min-frequency", paramLabel = "N", defaultValue = "0", description = "Pairs that occur less often are not merged (default: ${DEFAULT-VALUE}).")
    private long minFrequency;

    @Option(names = "--max-token-length", paramLabel = "N", defaultValue = "2147483647", description = "Tokens stay shorter than this, in bytes (default: no limit).")
    private int maxTokenLength;

    @Option(names = "--document-cap", paramLabel = "BYTES", description = "Count only the beginning of longer documents.")
    private Integer documentCap;

    @Option(names = "--threads", paramLabel = "N", description = "Threads (default: the number of processors).")
    private Integer threads;

    @Option(names = "--field", paramLabel = "FIELD", defaultValue = "text", description = "Key of the text in JSON lines (default: ${DEFAULT-VALUE}).")
    private String field;

    @Option(names = "--memory", paramLabel = "MIB", defaultValue = "4096", description = "Memory for word counts, all threads together; beyond it they go to disk (default: ${DEFAULT-VALUE}).")
    private long memory;

    @Option(names = "--work", paramLabel = "FOLDER", description = "Keeps word counts and merges made so far; the same command goes on from there after a stop.")
    private Path work;

    @Option(names = "--counts", description = "The inputs are sorted runs of word counts instead of text.")
    private boolean counts;

    @Option(names = "--model-max-length", paramLabel = "N", defaultValue = "4096", description = "Longest sequence, for tokenizer_config.json (default: ${DEFAULT-VALUE}).")
    private int modelMaxLength;

    @Override
    public Integer call() {
        int workers = Threads.of(threads);
        BpeTrainingConfig config;
        try {
            config = new BpeTrainingConfig(vocabularySize, minFrequency, maxTokenLength, alphabet, workers);
        } catch (IllegalArgumentException e) {
            // The configuration's names are those of a file's keys; here the options are meant.
            String words = e.getMessage().replaceFirst("^vocabulary_size", "vocab_size");
            int name = words.indexOf(' ');
            throw UserError.badInput("--" + words.substring(0, name).replace('_', '-') + words.substring(name));
        }
        if (memory < 1 || modelMaxLength < 1) {
            throw UserError.badInput("--memory and --model-max-length must be at least 1: " + memory + ", " + modelMaxLength);
        }
        if (!counts) {
            TextFiles.of(inputs, field);
        }
        try {
            // Now, not after hours of training.
            Files.createDirectories(output);
        } catch (IOException e) {
            throw UserError.environment(output + ": cannot be made: " + Reason.of(e), e);
        }
        long start = System.nanoTime();
        TrainingFolder folder = work == null ? null : new TrainingFolder(work);
        TrainedVocabulary vocabulary;
        try (Progress progress = Progress.start(Duration.ofSeconds(10))) {
            String description = about() + config.withThreads(1);
            List<int[]> earlier = folder == null ? List.of() : folder.merges(description);
            if (!earlier.isEmpty()) {
                progress.line(String.format(Locale.ROOT, "going on after %,d merges", earlier.size()));
            }
            long[] saved = {start};
            long[] merging = {0};
            vocabulary = BpeTrainer.train(words(folder, workers, progress), config, preTokenizer, earlier, state -> {
                merging[0] = merging[0] == 0 ? System.nanoTime() : merging[0];
                progress.update(() -> line(state, merging[0], earlier.size()));
                if (folder != null && seconds(saved[0]) > SAVE_SECONDS) {
                    folder.saveMerges(description, state.merges());
                    saved[0] = System.nanoTime();
                }
            });
            progress.line(String.format(Locale.ROOT, "learnt %,d merges, %.1f s from the first to the last", vocabulary.left().length,
                    merging[0] == 0 ? 0 : seconds(merging[0])));
        }
        TokenizerFiles.write(output, vocabulary, SpecialTokens.deepSeek(), modelMaxLength);
        Tokenizer tokenizer = Tokenizer.load(output);
        if (vocabulary.tokens().length < vocabularySize) {
            System.err.printf("the text holds no more pairs: %,d tokens instead of %,d%n", vocabulary.tokens().length, vocabularySize);
        }
        System.out.printf(Locale.ROOT, "%s: %,d tokens and %d special tokens, fingerprint %s, %.1f s%n", output.resolve("tokenizer.json"),
                vocabulary.tokens().length, tokenizer.vocabSize() - vocabulary.tokens().length, tokenizer.fingerprint(), seconds(start));
        return 0;
    }

    private WordCounts words(TrainingFolder folder, int workers, Progress progress) {
        if (counts) {
            return SortedRuns.of(inputs);
        }
        if (documentCap != null && documentCap < 1) {
            throw UserError.badInput("--document-cap must be 1 byte or more: " + documentCap);
        }
        TextFiles files = TextFiles.of(inputs, field);
        WordCounter.Options options = new WordCounter.Options(Math.max(4L << 20, (memory << 20) / workers), work != null ? work : output,
                documentCap == null ? OptionalInt.empty() : OptionalInt.of(documentCap));
        if (folder == null) {
            return counted(CorpusCounter.count(files, preTokenizer, options, workers, progress::update), progress).counts();
        }
        return folder.words(about(),
                () -> counted(CorpusCounter.countToRuns(files, preTokenizer, options, workers, progress::update), progress).runs());
    }

    private CorpusCounter.Result counted(CorpusCounter.Result result, Progress progress) {
        if (result.words() == 0) {
            throw UserError.badInput("no text in " + inputs);
        }
        progress.line(result.toString());
        return result;
    }

    /** What the counts depend on; a file that was changed is a different one. */
    private String about() {
        StringBuilder about = new StringBuilder(preTokenizer + " cap " + documentCap + " field " + field + "\n");
        for (Path file : counts ? inputs : TextFiles.of(inputs, field).files()) {
            about.append(file.toAbsolutePath()).append(' ').append(file.toFile().length()).append(' ').append(file.toFile().lastModified()).append('\n');
        }
        return about.toString();
    }

    private static String line(BpeTrainer.State state, long since, int earlier) {
        // An upper bound, since later merges touch fewer words.
        double elapsed = seconds(since);
        int done = state.merges().size() - earlier;
        return String.format(Locale.ROOT, "merging: %,d of %,d tokens, last pair occurs %,d times, at most %.0f s left", state.tokens(), state.wanted(),
                state.count(), elapsed * (state.wanted() - state.tokens()) / Math.max(1, done));
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }
}
