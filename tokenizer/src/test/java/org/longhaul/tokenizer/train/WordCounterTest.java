package org.longhaul.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.PreTokenizer;

class WordCounterTest {
    @TempDir private Path folder;

    private WordCounter counter(long memory, OptionalInt cap) {
        return new WordCounter(PreTokenizer.DEEPSEEK, new WordCounter.Options(memory, folder, cap));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, Long> map(WordCounts counts) {
        Map<String, Long> map = new TreeMap<>();
        counts.forEach((bytes, from, length, count) -> assertEquals(null,
                map.put(new String(bytes, from, length, StandardCharsets.ISO_8859_1), count)));
        return map;
    }

    @Test
    void countsPieces() {
        WordCounter counter = counter(4 << 20, OptionalInt.empty());
        for (String text : new String[] {"the cat the cat", " the"}) {
            counter.addDocument(utf8(text), 0, utf8(text).length);
        }
        assertEquals(Map.of("the", 1L, " cat", 2L, " the", 2L), map(WordCounter.finish(List.of(counter))));
        assertEquals(2, counter.documents());
        assertEquals(5, counter.words());
    }

    @Test
    void capsDocumentsAtTheEndOfAPiece() {
        WordCounter counter = counter(4 << 20, OptionalInt.of(5));
        counter.addDocument(utf8("the cat sat"), 0, 11);
        counter.addDocument(utf8("short"), 0, 5);
        assertEquals(Map.of("the", 1L, " cat", 1L, "short", 1L), map(WordCounter.finish(List.of(counter))));
        assertEquals(1, counter.cappedDocuments());
    }

    @Test
    void spillingChangesNothing() {
        Random random = new Random(1);
        WordCounter small = counter(4 << 20, OptionalInt.empty());
        WordCounter other = counter(4 << 20, OptionalInt.empty());
        Map<String, Long> expected = new TreeMap<>();
        for (int i = 0; i < 200_000; i++) {
            byte[] word = new byte[random.nextInt(500) == 0 ? 200_000 / (1 + random.nextInt(4000)) : 1 + random.nextInt(9)];
            for (int j = 0; j < word.length; j++) {
                word[j] = (byte) (random.nextInt(20) * 13);
            }
            long count = 1 + random.nextInt(5);
            (i % 3 == 0 ? other : small).addWord(word, 0, word.length, count);
            expected.merge(new String(word, StandardCharsets.ISO_8859_1), count, Long::sum);
        }
        WordCounts counts = WordCounter.finish(List.of(small, other));
        assertTrue(folder.toFile().list().length > 2);
        assertEquals(expected, map(counts));
        assertEquals(expected, map(counts));
    }

    @Test
    void wordsThatFillAChunkAreKept() {
        WordTable table = new WordTable();
        byte[] large = new byte[3 << 20];
        Arrays.fill(large, (byte) 7);
        table.add(utf8("a"), 0, 1, 1);
        table.add(large, 0, large.length, 2);
        table.add(large, 0, large.length, 3);
        table.add(utf8("b"), 0, 1, 4);
        List<Long> counts = new ArrayList<>();
        table.forEach((bytes, from, length, count) -> counts.add(length * 10L + count));
        assertEquals(List.of(11L, large.length * 10L + 5, 14L), counts);
    }

    @Test
    void runsMergeAsStreamsToo() throws IOException {
        List<InputStream> runs = new ArrayList<>();
        for (String text : new String[] {"b a a", "c b", ""}) {
            WordCounter counter = counter(4 << 20, OptionalInt.empty());
            counter.addDocument(utf8(text), 0, text.length());
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            counter.writeSorted(out);
            runs.add(new ByteArrayInputStream(out.toByteArray()));
        }
        Path merged = folder.resolve("merged.run");
        try (var out = Files.newOutputStream(merged)) {
            SortedRuns.merge(runs, out);
        }
        assertEquals(Map.of("b", 1L, " a", 2L, "c", 1L, " b", 1L), map(SortedRuns.of(List.of(merged))));
        Path copy = folder.resolve("copy.run");
        SortedRuns.write(SortedRuns.of(List.of(merged)), copy);
        assertEquals(-1, Arrays.mismatch(Files.readAllBytes(merged), Files.readAllBytes(copy)));
    }

    @Test
    void anyDamageToARunIsNoticed() throws IOException {
        WordCounter counter = counter(4 << 20, OptionalInt.empty());
        counter.addDocument(utf8("some words of a run"), 0, 19);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        counter.writeSorted(out);
        byte[] good = out.toByteArray();
        Path file = folder.resolve("run");
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 1;
            Files.write(file, bad);
            assertThrows(UserError.class, () -> map(SortedRuns.of(List.of(file))), "byte " + i);
            Files.write(file, Arrays.copyOf(good, i));
            assertThrows(UserError.class, () -> map(SortedRuns.of(List.of(file))), "cut at " + i);
        }
    }
}
