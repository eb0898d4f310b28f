package org.longhaul.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.longhaul.batch.TokenOrigins;
import org.longhaul.batch.TokenSource;
import org.longhaul.error.UserError;
import org.longhaul.shards.Counts;
import org.longhaul.shards.ReadChecks;
import org.longhaul.shards.ShardSet;
import org.longhaul.shards.TokenSplit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The token streams of a run.
 *
 * @param train what is trained on
 * @param validation what is measured, if there is a split for it
 * @param validationBytesPerToken text bytes over tokens of that split
 * @param unigramEntropy of the training split, nats a token; 0 where unknown
 * @param fingerprints of tokenizer and data, by name
 * @param origins where training tokens come from, if that is known
 */
record TrainData(
        TokenSource train, Optional<TokenSource> validation, double validationBytesPerToken, double unigramEntropy,
        Map<String, String> fingerprints, Optional<TokenOrigins> origins) {
    private static final Logger LOG = LoggerFactory.getLogger(TrainData.class);

    TrainData(
            TokenSource train, Optional<TokenSource> validation, double validationBytesPerToken, double unigramEntropy,
            Map<String, String> fingerprints) {
        this(train, validation, validationBytesPerToken, unigramEntropy, fingerprints, Optional.empty());
    }

    /** Maps the shards and checks that they fit the model. */
    static TrainData open(TrainConfig config) {
        return open(config, false);
    }

    /** The same; {@code leads} for the rank that tells what cannot be checked while training. */
    static TrainData open(TrainConfig config, boolean leads) {
        requireFolder("data.path", config.data().path());
        ReadChecks checks = config.data().verify();
        ShardSet set = open(config.data().path(), checks);
        if (leads && (checks == ReadChecks.NONE || !set.hasPageSums() || !set.hasDocumentSums())) {
            boolean ids = checks != ReadChecks.NONE && set.hasPageSums();
            LOG.info("{}: {} are not held against checksums while training: {}; longhaul doctor CONFIG --verify reads all files once", config.data().path(),
                    ids ? "document tables" : "ids and document tables", checks == ReadChecks.NONE ? "data.verify is none"
                            : "the data set was made before there were checksums of " + (ids ? "them" : "pages") + " (longhaul data add-sums makes them)");
        }
        TokenSplit train = set.split(config.data().trainSplit());
        if (train.vocabSize() > config.model().vocab()) {
            throw UserError.badInput(config.data().path() + ": has a vocabulary of " + train.vocabSize() + ", model.vocab is only "
                    + config.model().vocab() + "; raise it");
        }
        if (train.tokens() <= config.model().context()) {
            throw UserError.badInput(config.data().path() + ": split " + config.data().trainSplit() + " has " + train.tokens()
                    + " tokens, fewer than one sequence of " + config.model().context() + "; shorten model.context or bring more data");
        }
        Optional<TokenSplit> validation = validation(config, config.validation().path().map(apart -> apart(apart, checks, set, config)).orElse(set));
        double bytes = validation.map(v -> (double) v.bytes() / v.tokens()).orElse(1.0);
        Map<String, String> fingerprints = new LinkedHashMap<>();
        fingerprints.put("dataset", set.fingerprint());
        fingerprints.put("tokenizer", set.manifest().tokenizer().fingerprint());
        return new TrainData(source(train), validation.map(TrainData::source), bytes, train.unigramEntropy(), fingerprints, Optional.of(origins(train)));
    }

    private static ShardSet open(Path folder, ReadChecks checks) {
        return ShardSet.open(folder, checks, damage -> LOG.warn("{}; taken all the same, since data.verify is warn", damage));
    }

    // A data set to validate on, whose ids must mean what those that are trained on mean.
    private static ShardSet apart(Path folder, ReadChecks checks, ShardSet trained, TrainConfig config) {
        requireFolder("validation.path", folder);
        ShardSet set = open(folder, checks);
        String theirs = set.manifest().tokenizer().fingerprint();
        if (!theirs.equals(trained.manifest().tokenizer().fingerprint())) {
            throw UserError.badInput("validation.path: " + folder + " was made with another tokenizer than data.path: " + config.data().path()
                    + "; make it with tokenizer.path of longhaul data run");
        }
        return set;
    }

    private static void requireFolder(String key, Path folder) {
        if (!Files.isDirectory(folder)) {
            throw UserError.badInput(key + ": " + folder + ": no such folder" + (folder.isAbsolute() ? "" : " in " + Path.of("").toAbsolutePath()
                    + ", where this was started") + "; make shards with longhaul data run, or name their folder");
        }
    }

    // A data set may be made without a split for validation; one that was asked for by name or by a rhythm must not be missed in silence.
    private static Optional<TokenSplit> validation(TrainConfig config, ShardSet set) {
        String name = config.data().validationSplit();
        Optional<TokenSplit> split = set.manifest().splits().containsKey(name)
                ? Optional.of(set.split(name)).filter(s -> s.tokens() > 1) : Optional.empty();
        boolean asked = config.validation().every() > 0 || !name.equals(DataConfig.VALIDATION);
        if (split.isEmpty() && asked) {
            throw UserError.badInput(config.validation().path().orElse(config.data().path()) + ": no split named " + name + " to validate on, there are "
                    + set.manifest().splits().keySet() + "; correct data.validation_split, or leave it out and set validation.every to 0 to train without");
        }
        return split;
    }

    /** Training samples of a context length. */
    long samples(int context) {
        return (train.tokens() - 1) / context;
    }

    /** Where a split's tokens come from. */
    static TokenOrigins origins(TokenSplit split) {
        SortedMap<String, Double> sources = shares(split.sources(), split.tokens());
        SortedMap<String, Double> languages = shares(split.languages(), split.tokens());
        return new TokenOrigins() {
            @Override
            public void count(long position, long count, Sink sink) {
                split.origins(position, count, sink::add);
            }

            @Override
            public SortedMap<String, Double> sources() {
                return sources;
            }

            @Override
            public SortedMap<String, Double> languages() {
                return languages;
            }
        };
    }

    private static SortedMap<String, Double> shares(SortedMap<String, Counts> counts, long total) {
        SortedMap<String, Double> shares = new TreeMap<>();
        counts.forEach((name, c) -> shares.put(name, (double) c.tokens() / total));
        return shares;
    }

    /** A split as a token stream. */
    static TokenSource source(TokenSplit split) {
        return new TokenSource() {
            @Override
            public long tokens() {
                return split.tokens();
            }

            @Override
            public void read(long position, int[] target, int offset, int count) {
                split.read(position, target, offset, count);
            }

            @Override
            public void documentStarts(long position, int[] starts, int offset, int count) {
                split.documentStarts(position, starts, offset, count);
            }
        };
    }
}
