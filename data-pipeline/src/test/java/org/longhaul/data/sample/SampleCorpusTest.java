package org.longhaul.data.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

class SampleCorpusTest {
    private static final Path MATERIAL = Path.of("../configs/quickstart/corpus");
    private static final Set<String> LANGUAGES = Set.of("ar", "code", "de", "en", "es", "fr", "hi", "ja", "ru", "zh");

    @TempDir Path folder;

    @Test
    void theMaterialHasTenLanguagesAndNoSlotStaysOpen() {
        List<Material> materials = SampleCorpus.materials(MATERIAL);
        Set<String> languages = new HashSet<>();
        for (Material material : materials) {
            languages.add(material.language());
            TextMaker maker = new TextMaker(material, new Random(3));
            for (int i = 0; i < 200; i++) {
                String text = maker.document().plain();
                assertFalse(Material.slotsIn(text).find(), text);
                assertTrue(text.length() > 150, material.language() + " writes too little: " + text);
            }
        }
        assertEquals(LANGUAGES, languages);
    }

    @Test
    void cleanDocumentsAreNoNearDuplicatesOfOneAnother() {
        for (Material material : SampleCorpus.materials(MATERIAL)) {
            TextMaker maker = new TextMaker(material, new Random(5));
            List<Set<String>> shingles = new ArrayList<>();
            for (int i = 0; i < 150; i++) {
                shingles.add(shingles(maker.document().plain(), material.join()));
            }
            int near = 0;
            for (int i = 0; i < shingles.size(); i++) {
                for (int j = 0; j < i; j++) {
                    near += jaccard(shingles.get(i), shingles.get(j)) > 0.7 ? 1 : 0;
                }
            }
            assertTrue(near <= 3, material.language() + ": " + near + " pairs of 150 documents");
        }
    }

    @Test
    void theSameSeedGivesTheSameBytesAndAnotherDoesNot() throws IOException {
        Map<String, Integer> counts = write("a", 1);
        assertEquals(counts, write("b", 1));
        write("c", 2);
        try (Stream<Path> files = Files.list(folder.resolve("a"))) {
            for (Path file : files.toList()) {
                byte[] bytes = Files.readAllBytes(file);
                assertArrayEquals(bytes, Files.readAllBytes(folder.resolve("b").resolve(file.getFileName())), file.toString());
                assertFalse(java.util.Arrays.equals(bytes, Files.readAllBytes(folder.resolve("c").resolve(file.getFileName()))), file.toString());
            }
        }
    }

    private Map<String, Integer> write(String name, long seed) {
        return new SampleCorpus(SampleCorpus.materials(MATERIAL), seed).write(folder.resolve(name), 20);
    }

    @Test
    void everyFormatHoldsWhatTheCountsSay() throws IOException {
        Map<String, Integer> counts = write("all", 1);
        Path all = folder.resolve("all");
        List<String> jsonl = new ArrayList<>();
        jsonl.addAll(lines(new GZIPInputStream(Files.newInputStream(all.resolve("forum.jsonl.gz")))));
        jsonl.addAll(lines(new GZIPInputStream(Files.newInputStream(all.resolve("code.jsonl.gz")))));
        jsonl.addAll(lines(new ZstdInputStream(Files.newInputStream(all.resolve("press.jsonl.zst")))));
        int broken = 0;
        for (String line : jsonl) {
            try {
                broken += new ObjectMapper().readTree(line).hasNonNull("text") ? 0 : 1;
            } catch (IOException e) {
                broken++;
            }
        }
        assertEquals(counts.get("broken records"), broken);
        String warc = String.join("\n", lines(new GZIPInputStream(Files.newInputStream(all.resolve("crawl.warc.gz")))));
        String wet = String.join("\n", lines(new GZIPInputStream(Files.newInputStream(all.resolve("crawl.wet.gz")))));
        int records = jsonl.size() + count(warc, "WARC-Type: response") + count(wet, "WARC-Type: conversion") + parquetRows(all.resolve("books.parquet"));
        assertEquals(counts.values().stream().mapToInt(Integer::intValue).sum(), records);
        assertEquals(LANGUAGES.size() * 20, counts.get("clean"));
        assertTrue(warc.contains("<nav>") && !wet.contains("<nav>"));
    }

    @Test
    void nearDuplicatesShareMostOfTheirText() throws IOException {
        write("near", 1);
        Map<String, String> texts = new java.util.HashMap<>();
        for (String line : lines(new ZstdInputStream(Files.newInputStream(folder.resolve("near/press.jsonl.zst"))))) {
            var record = new ObjectMapper().readTree(line);
            texts.put(record.get("id").textValue(), record.get("text").textValue());
        }
        int compared = 0;
        for (Map.Entry<String, String> entry : texts.entrySet()) {
            String original = texts.get(entry.getKey().replaceFirst("^near-", ""));
            if (entry.getKey().startsWith("near-") && original != null) {
                Material.Join join = entry.getKey().matches("near-(zh|ja).*") ? Material.Join.NONE : Material.Join.SPACE;
                double similarity = jaccard(shingles(entry.getValue(), join), shingles(original, join));
                assertTrue(similarity > 0.7 && similarity < 1, entry.getKey() + ": " + similarity);
                compared++;
            }
        }
        assertTrue(compared > 0, "no pair in one file to compare");
    }

    @Test
    void faultyMaterialIsNamed() {
        UserError slot = assertThrows(UserError.class, () -> Material.parse("xx", List.of("[topic a]", "title = b", "the {cat} sleeps"), "xx.txt"));
        assertEquals("xx.txt: topic 'a' uses the unknown slot {cat}", slot.getMessage());
        UserError early = assertThrows(UserError.class, () -> Material.parse("xx", List.of("hello"), "xx.txt"));
        assertEquals("xx.txt:1: text before the first [topic NAME]", early.getMessage());
        UserError empty = assertThrows(UserError.class, () -> Material.parse("xx", List.of("# nothing"), "xx.txt"));
        assertEquals("xx.txt: holds no [topic NAME]", empty.getMessage());
    }

    private static List<String> lines(InputStream in) throws IOException {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    private static int count(String text, String part) {
        return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
    }

    private static int parquetRows(Path file) throws IOException {
        int rows = 0;
        try (ParquetReader<Group> reader = new GroupReader(new LocalInputFile(file)).build()) {
            for (Group group = reader.read(); group != null; group = reader.read()) {
                assertFalse(group.getString("text", 0).isEmpty());
                rows++;
            }
        }
        return rows;
    }

    private static final class GroupReader extends ParquetReader.Builder<Group> {
        GroupReader(InputFile file) {
            super(file, new PlainParquetConfiguration());
        }

        @Override
        protected ReadSupport<Group> getReadSupport() {
            return new GroupReadSupport();
        }
    }

    private static Set<String> shingles(String text, Material.Join join) {
        String[] words = join == Material.Join.NONE ? text.split("") : text.split("\\s+");
        Set<String> shingles = new HashSet<>();
        for (int i = 0; i + 5 <= words.length; i++) {
            shingles.add(String.join(" ", List.of(words).subList(i, i + 5)));
        }
        return shingles;
    }

    private static double jaccard(Set<String> a, Set<String> b) {
        long common = a.stream().filter(b::contains).count();
        return common / (double) (a.size() + b.size() - common);
    }
}
