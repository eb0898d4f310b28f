package org.longhaul.data.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.SpecialTokens;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.TokenizerFiles;
import org.longhaul.tokenizer.TrainedVocabulary;
import org.longhaul.tokenizer.train.BpeTrainer;
import org.longhaul.tokenizer.train.BpeTrainingConfig;
import org.longhaul.tokenizer.train.SortedRuns;
import org.longhaul.tokenizer.train.WordCounter;

/** Makes the tokenizer of the data set: counts words of the training documents part by part, then learns merges in the driver. */
final class TokenizerStage {
    static final String WORDS = "words.bin";
    static final String JSON = "tokenizer.json";
    static final String CONFIG_JSON = "tokenizer_config.json";
    private static final PreTokenizer PRE_TOKENIZER = PreTokenizer.DEEPSEEK;
    /** Begin, end and the 13 bytes outside UTF-8. */
    private static final int SPECIALS = 15;
    /** What the table of one task may occupy before it goes to disk. */
    private static final long COUNTER_BYTES = 128L << 20;

    private TokenizerStage() {}

    /** Counts the words of one part's training documents, each document once. */
    static void count(Configuration conf, DataConfig config, Part part, KeptTexts texts, double fraction, StageFolder stage, String digest)
            throws IOException {
        Path folder = stage.begin(part.index());
        double weight = config.inputs().get(part.source()).weight();
        java.nio.file.Path scratch = scratch();
        try {
            WordCounter words = new WordCounter(PRE_TOKENIZER, new WordCounter.Options(COUNTER_BYTES, scratch, OptionalInt.empty()));
            texts.forEach(entry -> {
                Live.DOCUMENTS.increment();
                boolean trains = entry.reason().isEmpty() && !TokenTask.validation(config, entry)
                        && Remix.copies(config.seed(), weight, entry.idHigh(), entry.idLow()) > 0
                        && Remix.trainsTokenizer(config.seed(), fraction, entry.idHigh(), entry.idLow());
                if (trains) {
                    byte[] utf8 = entry.text().getBytes(StandardCharsets.UTF_8);
                    words.addDocument(utf8, 0, utf8.length);
                    Live.BYTES.add(utf8.length);
                }
            });
            List<InputStream> runs = new ArrayList<>();
            for (java.nio.file.Path run : words.finishToRuns()) {
                runs.add(new BufferedInputStream(Files.newInputStream(run), 1 << 16));
            }
            Path file = new Path(folder, WORDS);
            try (OutputStream out = file.getFileSystem(conf).create(file, true)) {
                SortedRuns.merge(runs, new BufferedOutputStream(out, 1 << 16));
            }
            ObjectNode stats = Json.MAPPER.createObjectNode();
            stage.commit(part.index(), folder, digest, stats.put("words", words.words()));
        } finally {
            remove(scratch);
        }
    }

    /** Learns the vocabulary from all parts' words and writes the tokenizer's files to the store. */
    static void train(Configuration conf, Map<Integer, StageFolder.Done> counted, int vocabulary, Store output, Status status) throws IOException {
        java.nio.file.Path folder = scratch();
        try {
            train(conf, counted, vocabulary, output, status, folder);
        } finally {
            remove(folder);
        }
    }

    private static void train(Configuration conf, Map<Integer, StageFolder.Done> counted, int vocabulary, Store output, Status status,
            java.nio.file.Path folder) throws IOException {
        List<java.nio.file.Path> runs = new ArrayList<>();
        long words = 0;
        for (StageFolder.Done done : counted.values()) {
            java.nio.file.Path run = folder.resolve("words-" + runs.size());
            Path file = done.file(WORDS);
            try (InputStream in = file.getFileSystem(conf).open(file)) {
                Files.copy(in, run);
            }
            runs.add(run);
            words += done.stats().path("words").asLong();
        }
        if (words == 0) {
            throw UserError.badInput("no text to train a tokenizer on: every document was dropped or held back for validation");
        }
        BpeTrainingConfig training = BpeTrainingConfig.of(vocabulary - SPECIALS, Math.max(1, Runtime.getRuntime().availableProcessors()));
        TrainedVocabulary trained = BpeTrainer.train(SortedRuns.of(runs), training, PRE_TOKENIZER);
        int missing = vocabulary - SPECIALS - trained.tokens().length;
        if (missing > 0) {
            status.line(String.format("the text has merges for a vocabulary of %,d only, %,d were asked for", vocabulary - missing, vocabulary));
        }
        TokenizerFiles.write(folder, trained, SpecialTokens.deepSeek(), 1 << 20);
        output.write(CONFIG_JSON, Files.readAllBytes(folder.resolve(CONFIG_JSON)));
        output.write(JSON, Files.readAllBytes(folder.resolve(JSON)));
    }

    /** Loads a tokenizer that lies on any file system; the configuration beside it, which names the special tokens, may be null. */
    static Tokenizer load(byte[] json, byte[] config, String name) {
        java.nio.file.Path folder = scratch();
        try {
            try {
                Files.write(folder.resolve(JSON), json);
                if (config != null) {
                    Files.write(folder.resolve(CONFIG_JSON), config);
                }
                return Tokenizer.load(folder.resolve(JSON));
            } catch (UserError e) {
                throw UserError.badInput(e.getMessage().replace(folder.resolve(JSON).toString(), name), e);
            } finally {
                remove(folder);
            }
        } catch (IOException e) {
            throw UserError.environment("no temporary file can be written (" + Store.firstLine(e) + "): set java.io.tmpdir to a folder with space", e);
        }
    }

    private static java.nio.file.Path scratch() {
        try {
            return Files.createTempDirectory("longhaul-tokenizer-");
        } catch (IOException e) {
            throw UserError.environment("no temporary folder can be made (" + Store.firstLine(e) + "): set java.io.tmpdir to a folder with space", e);
        }
    }

    private static void remove(java.nio.file.Path folder) throws IOException {
        try (Stream<java.nio.file.Path> paths = Files.walk(folder)) {
            for (java.nio.file.Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
