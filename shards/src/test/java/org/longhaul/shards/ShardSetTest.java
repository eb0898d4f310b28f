package org.longhaul.shards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.error.UserError;

class ShardSetTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {7, 65_536, 65_537, 102_400})
    void readsBackWhatWasWritten(int vocabulary) throws IOException {
        long seed = 41 + vocabulary;
        Fixture fixture = new Fixture(folder, vocabulary, seed, 3, 300, 5_000);
        ShardSet set = ShardSet.open(folder);
        set.verify();
        assertEquals(vocabulary <= 65_536 ? TokenType.UINT16 : TokenType.UINT32, set.manifest().tokenType());
        for (String name : fixture.content.keySet()) {
            TokenSplit split = set.split(name);
            int[] expected = fixture.stream(name);
            assertEquals(expected.length, split.tokens());
            int[] all = new int[expected.length];
            split.read(0, all, 0, all.length);
            assertArrayEquals(expected, all, "seed " + seed);
            Random random = new Random(seed);
            for (int i = 0; i < 500; i++) {
                int from = random.nextInt(expected.length);
                int count = random.nextInt(Math.min(9_000, expected.length - from) + 1);
                int[] part = new int[count + 2];
                split.read(from, part, 1, count);
                assertArrayEquals(Arrays.copyOfRange(expected, from, from + count), Arrays.copyOfRange(part, 1, count + 1), "seed " + seed);
            }
            List<Fixture.Document> documents = fixture.documents(name);
            String[] origins = new String[expected.length];
            int[] begins = new int[expected.length];
            int at = 0;
            for (Fixture.Document document : documents) {
                Arrays.fill(begins, at, at + document.ids().length, at);
                Arrays.fill(origins, at, at += document.ids().length, document.source() + " " + document.language());
            }
            for (int i = 0; i < 200; i++) {
                int from = random.nextInt(expected.length);
                int count = random.nextInt(Math.min(9_000, expected.length - from) + 1);
                Map<String, Long> counts = new TreeMap<>();
                split.origins(from, count, (source, language, tokens) -> counts.merge(source + " " + language, tokens, Long::sum));
                Map<String, Long> naive = new TreeMap<>();
                for (int p = from; p < from + count; p++) {
                    naive.merge(origins[p], 1L, Long::sum);
                }
                assertEquals(naive, counts, "seed " + seed);
                int[] starts = new int[count + 2];
                starts[0] = starts[count + 1] = -7;
                split.documentStarts(from, starts, 1, count);
                for (int p = 0; p < count; p++) {
                    assertEquals(Math.max(0, begins[from + p] - from), starts[1 + p], "seed " + seed + ", token " + p + " from " + from);
                }
                assertEquals(-14, starts[0] + starts[count + 1]);
            }
            assertEquals(documents.size(), split.documents());
            assertEquals(documents.stream().mapToLong(Fixture.Document::bytes).sum(), split.bytes());
            long start = 0;
            for (int d = 0; d < documents.size(); d++) {
                Fixture.Document document = documents.get(d);
                assertEquals(start, split.documentStart(d));
                assertEquals(document.ids().length, split.documentLength(d));
                assertEquals(String.format("%016x%016x", document.idHigh(), document.idLow()), split.documentId(d));
                assertEquals(document.source(), split.documentSource(d));
                assertEquals(document.language(), split.documentLanguage(d));
                assertEquals(document.bytes(), split.documentBytes(d));
                assertEquals(d, split.documentAt(start));
                assertEquals(d, split.documentAt(start + document.ids().length - 1));
                start += document.ids().length;
            }
            assertEquals(naiveEntropy(expected), split.unigramEntropy(), 1e-9);
            assertThrows(IndexOutOfBoundsException.class, () -> split.read(split.tokens() - 1, new int[2], 0, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> split.documentStarts(split.tokens() - 1, new int[2], 0, 2));
        }
    }

    private static double naiveEntropy(int[] tokens) {
        double entropy = 0;
        int[] sorted = tokens.clone();
        Arrays.sort(sorted);
        for (int i = 0; i < sorted.length; ) {
            int j = i;
            while (j < sorted.length && sorted[j] == sorted[i]) {
                j++;
            }
            double p = (j - i) / (double) sorted.length;
            entropy -= p * Math.log(p);
            i = j;
        }
        return entropy;
    }

    @Test
    void readsAcrossRecordBatches() throws IOException {
        Fixture fixture = new Fixture(folder, 65_536, 5, 1, 700, 4_000);
        TokenShard shard = new TokenShard(folder.resolve("train-00000.tokens.arrow"), TokenType.UINT16);
        int[] expected = fixture.stream("train");
        assertTrue(expected.length > 1 << 20, "the test needs more than one record batch");
        int from = (1 << 20) - 50;
        int[] ids = new int[100];
        shard.copy(from, 100, ids, 0);
        for (int i = 0; i < 100; i++) {
            assertEquals(expected[from + i], ids[i]);
            assertEquals(expected[from + i], shard.tokenAt(from + i));
        }
    }

    @Test
    void theSameContentGivesTheSameBytesAndFingerprint() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Path changed = Files.createDirectory(folder.resolve("changed"));
        Path first = Files.createDirectory(folder.resolve("first"));
        new Fixture(first, 500, 1, 2, 50, 100);
        new Fixture(other, 500, 1, 2, 50, 100);
        new Fixture(changed, 500, 2, 2, 50, 100);
        for (String name : List.of("manifest.json", "train-00001.tokens.arrow", "validation-00000.documents.arrow")) {
            assertEquals(-1, Files.mismatch(first.resolve(name), other.resolve(name)), name);
        }
        assertEquals(ShardSet.open(first).fingerprint(), ShardSet.open(other).fingerprint());
        assertNotEquals(ShardSet.open(first).fingerprint(), ShardSet.open(changed).fingerprint());
    }

    @Test
    void aFlippedByteIsNamedWithItsFileAndRange() throws IOException {
        new Fixture(folder, 70_000, 3, 1, 1200, 4_000);
        Path file = folder.resolve("train-00000.tokens.arrow");
        assertTrue(Files.size(file) > 2L * ShardManifest.DataFile.BLOCK_BYTES);
        flip(file, ShardManifest.DataFile.BLOCK_BYTES + 12_345L);
        ShardSet set = ShardSet.open(folder);
        UserError error = assertThrows(UserError.class, set::verify);
        assertEquals(2, error.exitCode().status());
        assertTrue(error.getMessage().matches("\\Q" + file + "\\E: checksum does not match in bytes 4194304–8388607: found [0-9a-f]{16}, "
                + "the manifest says [0-9a-f]{16}; copy the file again"), error.getMessage());
        assertEquals(1, set.damage().size());
    }

    @Test
    void anyFlippedByteOfAnyFileIsFoundByOpenOrVerify() throws IOException {
        new Fixture(folder, 300, 4, 1, 20, 30);
        Random random = new Random(77);
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                for (int i = 0; i < 60; i++) {
                    long at = random.nextLong(Files.size(file));
                    flip(file, at);
                    UserError error = assertThrows(UserError.class, () -> ShardSet.open(folder).verify(), file + " byte " + at);
                    assertTrue(error.getMessage().contains(file.getFileName().toString()) || error.getMessage().contains(folder.toString()), error.getMessage());
                    assertFalse(error.getMessage().contains("\n"), error.getMessage());
                    flip(file, at);
                }
            }
        }
        ShardSet.open(folder).verify();
    }

    @Test
    void missingAndCutFilesAreNamed() throws IOException {
        new Fixture(folder, 300, 4, 1, 20, 30);
        Path file = folder.resolve("validation-00000.tokens.arrow");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
        assertMessage(file + ": has " + (bytes.length - 1) + " bytes, the manifest says " + bytes.length);
        Files.delete(file);
        assertMessage(file + ": file is missing");
        Files.delete(folder.resolve("manifest.json"));
        assertMessage("not a finished data set");
        UserError absent = assertThrows(UserError.class, () -> ShardSet.open(folder.resolve("nowhere")));
        assertTrue(absent.getMessage().contains("no such folder"), absent.getMessage());
    }

    private void assertMessage(String part) {
        UserError error = assertThrows(UserError.class, () -> ShardSet.open(folder));
        assertTrue(error.getMessage().contains(part), error.getMessage());
    }

    static void flip(Path file, long at) throws IOException {
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.seek(at);
            int value = access.read();
            access.seek(at);
            access.write(value ^ 0x10);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4_000, 102_400})
    void anIdThatTheVocabularyLacksIsDamageAndNeverATrainingToken(int vocabulary) throws IOException {
        new Fixture(folder, vocabulary, 5, 2, 20, 500);
        ShardSet whole = ShardSet.open(folder);
        Path file = folder.resolve("train-00001.tokens.arrow");
        TokenSplit split = whole.split("train");
        long first = split.tokens() - new TokenShard(file, whole.manifest().tokenType()).tokens();
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            byte[] bytes = new byte[(int) raw.length()];
            raw.readFully(bytes);
            // The token column alone, from its third kilobyte on; the footer stays.
            Arrays.fill(bytes, 3_072, 3_076, (byte) 0xFF);
            raw.seek(0);
            raw.write(bytes);
        }
        TokenSplit damaged = ShardSet.open(folder, ReadChecks.NONE, damage -> {}).split("train");
        int[] ids = new int[(int) damaged.tokens()];
        damaged.read(0, ids, 0, (int) first);
        UserError error = assertThrows(UserError.class, () -> damaged.read(0, ids, 0, ids.length));
        assertEquals(2, error.exitCode().status());
        assertTrue(error.getMessage().startsWith(file + ": token "), error.getMessage());
        assertTrue(error.getMessage().contains("vocabulary of " + vocabulary), error.getMessage());
    }
}
