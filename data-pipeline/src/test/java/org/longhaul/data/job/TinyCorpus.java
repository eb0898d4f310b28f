package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.longhaul.cli.InProcess;

/** A small corpus with exact and near duplicates inside and across inputs, in several files, from a seed. */
final class TinyCorpus {
    private static final String[] WORDS = ("river mountain light engine garden window paper market bridge winter summer number letter "
            + "friend story question answer morning evening captain kettle harbour lantern orchard thunder copper velvet meadow").split(" ");

    private TinyCorpus() {}

    static String sentence(Random random) {
        StringBuilder text = new StringBuilder("The");
        for (int i = 6 + random.nextInt(10); i > 0; i--) {
            text.append(' ').append(WORDS[random.nextInt(WORDS.length)]);
        }
        return text.append(" and with that it is done.").toString();
    }

    static String document(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = 6 + random.nextInt(12); i > 0; i--) {
            text.append(sentence(random)).append(i % 3 == 0 ? "\n" : " ");
        }
        return text.toString().strip();
    }

    static String json(String id, String text, String language) {
        return "{\"id\": \"" + id + "\", \"text\": \"" + text.replace("\"", "\\\"").replace("\n", "\\n") + "\", \"lang\": \"" + language + "\"}\n";
    }

    /** Writes inputs {@code a} (six gzip files), {@code b} (one plain file), {@code c} (Chinese); answers the configuration. */
    static Path write(Path folder, long seed) throws IOException {
        Random random = new Random(seed);
        List<String> texts = new ArrayList<>();
        Files.createDirectories(folder.resolve("a"));
        for (int f = 0; f < 6; f++) {
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve("a/part-" + f + ".jsonl.gz")))) {
                for (int i = 0; i < 60; i++) {
                    String text = document(random);
                    texts.add(text);
                    out.write(json("a" + f + "-" + i, text, "en").getBytes(StandardCharsets.UTF_8));
                }
                // The same record twice, id included.
                out.write((json("twice", texts.get(0), "en") + json("twice", texts.get(0), "en")).getBytes(StandardCharsets.UTF_8));
            }
        }
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < 120; i++) {
            String text = i % 4 == 0 ? texts.get(random.nextInt(texts.size()))
                    : i % 4 == 1 ? texts.get(random.nextInt(texts.size())) + " " + sentence(random)
                    : i % 4 == 2 ? "too short" : document(random);
            b.append(json("b" + i, text, i % 8 == 3 ? "fr" : "en"));
        }
        Files.writeString(folder.resolve("b.jsonl"), b);
        StringBuilder c = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            StringBuilder text = new StringBuilder();
            for (int k = 0; k < 150; k++) {
                text.append((char) (0x4E00 + random.nextInt(800))).append(k % 20 == 19 ? "。\n" : "");
            }
            c.append(json("c" + i, text.toString(), "zh"));
        }
        Files.writeString(folder.resolve("c.jsonl"), c);
        Path config = folder.resolve("data.yaml");
        Files.writeString(config, """
                root: %s
                inputs:
                  a: {path: a, weight: 1.5}
                  b: {path: b.jsonl, weight: 0.7}
                  c: {path: c.jsonl, rules: chinese}
                rules:
                  default:
                    quality: {gopher_repetition: {enabled: false}}
                  chinese:
                    quality: {gopher_repetition: {enabled: false}, gopher_quality: {min_mean_word_length: 1}, c4: {enabled: false}}
                dedup: {source_priority: [b]}
                validation_fraction: 0.1
                tokenizer: {vocabulary: 600}
                output: {dir: %s, shard_mib: 1}
                """.formatted(folder, folder.resolve("out")));
        return config;
    }

    /** Runs the pipeline on it, which must succeed; answers the output folder. */
    static Path run(Path config, Path out, String... overrides) {
        List<String> args = new ArrayList<>(List.of("data", "run", config.toString(), "output.dir=" + out));
        args.addAll(Arrays.asList(overrides));
        InProcess.Result result = InProcess.run(args.toArray(String[]::new));
        assertEquals(0, result.status(), result.err());
        return out;
    }
}
