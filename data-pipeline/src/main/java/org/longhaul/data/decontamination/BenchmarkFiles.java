package org.longhaul.data.decontamination;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.longhaul.data.read.RecordFiles;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Reads benchmark files as their authors publish them: every string of a JSON value, every cell, every paragraph is one text. */
public final class BenchmarkFiles {
    private static final ObjectMapper JSON = new ObjectMapper();

    private BenchmarkFiles() {}

    /** The index of all benchmarks that the settings name. */
    public static BenchmarkIndex index(Configuration conf, DecontaminationSettings settings) {
        BenchmarkIndex index = new BenchmarkIndex(settings.wordNgram(), settings.characterNgram(), settings.minTokens());
        new TreeMap<>(settings.benchmarks()).forEach((name, pattern) -> {
            long before = index.texts();
            long[] strings = new long[1];
            read(conf, name, pattern, text -> {
                strings[0]++;
                index.add(name, text);
            });
            if (index.texts() == before) {
                throw UserError.badInput("decontamination.benchmarks." + name + ": " + pattern + " holds no text of at least "
                        + settings.minTokens() + " words among its " + strings[0] + "; correct the path or lower min_tokens");
            }
        });
        return index;
    }

    private static void read(Configuration conf, String name, String pattern, Consumer<String> texts) {
        Path path = new Path(pattern);
        try {
            FileSystem fs = path.getFileSystem(conf);
            FileStatus[] found = fs.globStatus(path);
            if (found == null || found.length == 0) {
                throw UserError.badInput("decontamination.benchmarks." + name + ": " + pattern + " does not exist");
            }
            for (FileStatus status : found) {
                readAll(conf, fs, status, texts);
            }
        } catch (IOException e) {
            throw UserError.badInput(
                    "decontamination.benchmarks." + name + ": " + pattern + " cannot be read: " + Reason.of(e), e);
        }
    }

    private static void readAll(Configuration conf, FileSystem fs, FileStatus status, Consumer<String> texts) throws IOException {
        if (status.isDirectory()) {
            FileStatus[] children = fs.listStatus(status.getPath());
            java.util.Arrays.sort(children);
            for (FileStatus child : children) {
                readAll(conf, fs, child, texts);
            }
            return;
        }
        String file = status.getPath().getName().toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|zst|zstd|bz2)$", "");
        try (InputStream in = RecordFiles.openStream(conf, status.getPath())) {
            if (file.endsWith(".json") || file.endsWith(".jsonl") || file.endsWith(".ndjson")) {
                json(in, texts);
            } else if (file.endsWith(".csv") || file.endsWith(".tsv")) {
                cells(text(in), file.endsWith(".csv") ? ',' : '\t', texts);
            } else if (file.endsWith(".txt")) {
                for (String paragraph : text(in).split("\n\\s*\n")) {
                    texts.accept(paragraph);
                }
            }
        } catch (JsonProcessingException e) {
            throw new IOException(status.getPath() + ": " + e.getOriginalMessage(), e);
        }
    }

    private static String text(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    private static void json(InputStream in, Consumer<String> texts) throws IOException {
        try (MappingIterator<JsonNode> values = JSON.readerFor(JsonNode.class).readValues(in)) {
            while (values.hasNextValue()) {
                strings(values.nextValue(), texts);
            }
        }
    }

    private static void strings(JsonNode node, Consumer<String> texts) {
        if (node.isTextual()) {
            texts.accept(node.textValue());
        }
        for (JsonNode child : node) {
            strings(child, texts);
        }
    }

    /** RFC 4180: cells may be quoted, with doubled quotes and line ends inside. */
    static void cells(String text, char separator, Consumer<String> texts) {
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i <= text.length(); i++) {
            char c = i == text.length() ? '\n' : text.charAt(i);
            if (quoted && i < text.length()) {
                if (c != '"') {
                    cell.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    cell.append('"');
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '"' && cell.length() == 0) {
                quoted = true;
            } else if (c == separator || c == '\n') {
                if (cell.length() > 0) {
                    texts.accept(cell.toString());
                }
                cell.setLength(0);
            } else {
                cell.append(c);
            }
        }
    }
}
