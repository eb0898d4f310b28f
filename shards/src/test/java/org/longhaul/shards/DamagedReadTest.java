package org.longhaul.shards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.error.UserError;

/** Damage that a reader meets: it is told, or the reader answers what was written. */
class DamagedReadTest {
    private static final List<String> FILES = List.of("tokens", "documents", "sums");

    @TempDir
    Path folder;

    private record Content(int[] ids, int[] starts) {}

    private Content read(Path place) {
        TokenSplit split = ShardSet.open(place).split("train");
        int[] ids = new int[(int) split.tokens()];
        int[] starts = new int[ids.length];
        // In windows, as training reads.
        for (int at = 0; at < ids.length; at += 1_000) {
            int n = Math.min(1_000, ids.length - at);
            split.read(at, ids, at, n);
            split.documentStarts(at, starts, at, n);
        }
        return new Content(ids, starts);
    }

    private UserError refused(Path place) {
        UserError error = assertThrows(UserError.class, () -> read(place));
        assertEquals(2, error.exitCode().status(), error.getMessage());
        assertEquals(1, error.getMessage().lines().count(), error.getMessage());
        return error;
    }

    @ParameterizedTest
    @ValueSource(ints = {300, 70_000})
    void aFlippedBitOfAnyFileIsToldOrChangesNothing(int vocabulary) throws IOException {
        new Fixture(folder, vocabulary, 8, 2, 40, 3_000);
        Content whole = read(folder);
        long seed = 300 + vocabulary;
        Random random = new Random(seed);
        int told = 0;
        for (String kind : FILES) {
            Path file = folder.resolve("train-00001." + kind + ".arrow");
            for (int i = 0; i < 150; i++) {
                long at = random.nextLong(Files.size(file));
                int bit = random.nextInt(8);
                flip(file, at, bit);
                try {
                    Content found = read(folder);
                    assertArrayEquals(whole.ids, found.ids, file + " byte " + at + " bit " + bit + " seed " + seed);
                    assertArrayEquals(whole.starts, found.starts, file + " byte " + at + " bit " + bit + " seed " + seed);
                } catch (UserError e) {
                    told++;
                    assertTrue(e.getMessage().startsWith(folder.resolve("train-00001").toString()), e.getMessage());
                    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
                }
                flip(file, at, bit);
            }
        }
        assertTrue(told > 200, told + " of 450 told");
        assertArrayEquals(whole.ids, read(folder).ids);
    }

    @ParameterizedTest
    @ValueSource(ints = {60_000, 100_000})
    void everyBitOfTheTokensCountsAndTheOtherPagesAreStillRead(int vocabulary) throws IOException {
        Fixture fixture = new Fixture(folder, vocabulary, 9, 1, 700, 4_000);
        TokenType type = TokenType.forVocabulary(vocabulary);
        int perPage = TokenShard.rowsPerPage(type);
        Path file = folder.resolve("train-00000.tokens.arrow");
        int[] expected = fixture.stream("train");
        assertTrue(expected.length > 1 << 20, "the test needs more than one record batch");
        ArrowMap map = new ArrowMap(file, Schemas.tokens(type), new int[] {type.bytes()});
        Random random = new Random(10);
        for (int i = 0; i < 40; i++) {
            int token = random.nextInt(expected.length);
            long at = map.at(0, token) + random.nextInt(type.bytes());
            int bit = random.nextInt(8);
            flip(file, at, bit);
            TokenSplit split = ShardSet.open(folder).split("train");
            UserError error = assertThrows(UserError.class, () -> split.read(token, new int[1], 0, 1));
            int first = token / perPage * perPage;
            int last = Math.min(expected.length, first + perPage) - 1;
            assertTrue(error.getMessage().startsWith(file + ": tokens " + first + " to " + last + " (bytes "), error.getMessage());
            int[] before = new int[first];
            split.read(0, before, 0, first);
            assertArrayEquals(Arrays.copyOf(expected, first), before);
            int[] behind = new int[expected.length - last - 1];
            split.read(last + 1, behind, 0, behind.length);
            assertArrayEquals(Arrays.copyOfRange(expected, last + 1, expected.length), behind);
            // Who asked for the checks to be left out gets what is there, or the word about the vocabulary.
            int[] unchecked = new int[1];
            try {
                ShardSet.open(folder, ReadChecks.NONE, damage -> {}).split("train").read(token, unchecked, 0, 1);
                assertFalse(unchecked[0] == expected[token]);
            } catch (UserError e) {
                assertTrue(e.getMessage().contains("vocabulary"), e.getMessage());
            }
            flip(file, at, bit);
            int[] again = new int[expected.length];
            ShardSet.open(folder).split("train").read(0, again, 0, again.length);
            assertArrayEquals(expected, again);
        }
    }

    /** Their headers are read when their rows are, not when the data set is opened. */
    @Test
    void aDamagedHeaderOfABatchInTheMiddleIsToldOrChangesNothing() throws IOException {
        Fixture fixture = new Fixture(folder, 70_000, 9, 1, 2_000, 4_000);
        Path file = folder.resolve("train-00000.tokens.arrow");
        int[] expected = fixture.stream("train");
        int batch = 1 << 20;
        assertTrue(expected.length > 3 * batch, "the test needs four record batches");
        int values = new ArrowMap(file, Schemas.tokens(TokenType.UINT32), new int[] {4}).at(0, batch);
        long seed = 11;
        Random random = new Random(seed);
        int told = 0;
        for (int i = 0; i < 200; i++) {
            long at = values - 1 - random.nextInt(250);
            int bit = random.nextInt(8);
            flip(file, at, bit);
            TokenSplit split = ShardSet.open(folder).split("train");
            int[] ids = new int[2_000];
            try {
                // From the end of the batch before to the one asked for.
                split.read(batch - 1_000, ids, 0, ids.length);
                assertArrayEquals(Arrays.copyOfRange(expected, batch - 1_000, batch + 1_000), ids, "byte " + at + " bit " + bit + " seed " + seed);
            } catch (UserError e) {
                told++;
                assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().lines().count() == 1, e.getMessage());
            }
            split.read(2 * batch, ids, 0, ids.length);
            assertArrayEquals(Arrays.copyOfRange(expected, 2 * batch, 2 * batch + 2_000), ids);
            flip(file, at, bit);
        }
        assertTrue(told > 20, told + " of 200 told");
    }

    @Test
    void swappedAndReplacedFilesOfTheSameSizeAreRefused() throws IOException {
        EqualShards.write(folder, 1);
        Path other = Files.createDirectory(folder.resolve("other"));
        EqualShards.write(other, 2);
        for (String kind : FILES) {
            assertEquals(Files.size(folder.resolve("train-00000." + kind + ".arrow")), Files.size(folder.resolve("train-00001." + kind + ".arrow")));
        }
        Path tokens = folder.resolve("train-00000.tokens.arrow");
        swap("tokens");
        assertTrue(refused(folder).getMessage().startsWith(tokens + ": tokens 0 to "));
        swap("sums");
        assertTrue(refused(folder).getMessage().startsWith(folder.resolve("train-00000.sums.arrow") + ": has the checksum "));
        swap("documents");
        assertTrue(refused(folder).getMessage().startsWith(folder.resolve("train-00000.sums.arrow") + ": has the checksum "), "whole shards swapped");
        swap("documents");
        swap("tokens");
        swap("sums");
        read(folder);
        for (String kind : FILES) {
            Files.copy(other.resolve("train-00000." + kind + ".arrow"), folder.resolve("train-00000." + kind + ".arrow"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        assertTrue(refused(folder).getMessage().startsWith(folder.resolve("train-00000.sums.arrow") + ": has the checksum "), "another data set's shard");
    }

    private static final Function<Path, String> NO_TOKENIZER = file -> {
        throw new AssertionError(file);
    };

    private void swap(String kind) throws IOException {
        Path a = folder.resolve("train-00000." + kind + ".arrow");
        Path b = folder.resolve("train-00001." + kind + ".arrow");
        Path t = folder.resolve("swap");
        Files.move(a, t);
        Files.move(b, a);
        Files.move(t, b);
    }

    @Test
    void aFileThatIsCutWhileItIsReadIsNamed() throws IOException {
        new Fixture(folder, 70_000, 3, 1, 700, 4_000);
        Path file = folder.resolve("train-00000.tokens.arrow");
        long size = Files.size(file);
        TokenSplit split = ShardSet.open(folder).split("train");
        split.read(0, new int[10], 0, 10);
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(8_192);
        }
        int[] ids = new int[4_000];
        UserError error = assertThrows(UserError.class, () -> split.read(900_000, ids, 0, ids.length));
        assertEquals(file + ": has 8192 bytes, it had " + size + " when it was opened: it was cut or replaced while in use; copy it again",
                error.getMessage());
    }

    @Test
    void aDataSetWithoutPageSumsIsReadAsBefore() throws IOException {
        Fixture fixture = new Fixture(folder, 300, 4, 2, 20, 3_000);
        assertTrue(ShardSet.open(folder).hasPageSums());
        EqualShards.makeOld(folder, 1);
        ShardSet old = ShardSet.open(folder);
        assertFalse(old.hasPageSums());
        assertEquals(1, old.manifest().version());
        assertArrayEquals(fixture.stream("train"), read(folder).ids);
        old.verify();
    }

    @Test
    void whoWantsToBeToldIsToldOnceAPageAndGetsWhatIsThere() throws IOException {
        new Fixture(folder, 60_000, 9, 1, 700, 4_000);
        Path file = folder.resolve("train-00000.tokens.arrow");
        int perPage = TokenShard.rowsPerPage(TokenType.UINT16);
        ArrowMap map = new ArrowMap(file, Schemas.tokens(TokenType.UINT16), new int[] {2});
        int pages = 15;
        for (int page = 0; page < pages; page++) {
            flip(file, map.at(0, page * perPage + 7L), 2);
        }
        List<String> told = new ArrayList<>();
        TokenSplit split = ShardSet.open(folder, ReadChecks.WARN, told::add).split("train");
        int[] raw = new int[(int) split.tokens()];
        ShardSet.open(folder, ReadChecks.NONE, told::add).split("train").read(0, raw, 0, raw.length);
        assertEquals(List.of(), told);
        for (int time = 0; time < 2; time++) {
            int[] ids = new int[raw.length];
            split.read(0, ids, 0, ids.length);
            assertArrayEquals(raw, ids);
            assertEquals(11, told.size(), told.toString());
        }
        assertTrue(told.get(0).startsWith(file + ": tokens 0 to " + (perPage - 1) + " (bytes "), told.get(0));
        assertTrue(told.get(10).startsWith("one more damaged place, and no further ones of this shard are told: " + file), told.get(10));

        Path sums = folder.resolve("train-00000.sums.arrow");
        flip(sums, Files.size(sums) / 2, 0);
        told.clear();
        TokenSplit unsure = ShardSet.open(folder, ReadChecks.WARN, told::add).split("train");
        unsure.read(0, new int[raw.length], 0, raw.length);
        assertEquals(1, told.size(), told.toString());
        assertTrue(told.get(0).startsWith(sums + ": has the checksum "), told.get(0));

        try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
            cut.setLength(8_192);
        }
        UserError error = assertThrows(UserError.class, () -> unsure.read(900_000, new int[10], 0, 10));
        assertTrue(error.getMessage().contains("it was cut or replaced while in use"), error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(ints = {300, 70_000})
    void sumsThatAreAddedLaterAreThoseOfTheWriter(int vocabulary) throws IOException {
        new Fixture(folder, vocabulary, 4, 3, 400, 6_000);
        byte[] manifest = Files.readAllBytes(folder.resolve("manifest.json"));
        byte[] sums = Files.readAllBytes(folder.resolve("train-00002.sums.arrow"));
        String fingerprint = ShardSet.open(folder).fingerprint();
        EqualShards.makeOld(folder, 1);
        Path damaged = folder.resolve("train-00002.tokens.arrow");
        flip(damaged, 2_000, 1);
        UserError error = assertThrows(UserError.class, () -> PageSumAdder.open(folder).add(2, n -> {}, NO_TOKENIZER));
        assertTrue(error.getMessage().startsWith(damaged + ": checksum does not match in bytes 0–"), error.getMessage());
        assertFalse(ShardSet.open(folder).hasPageSums());
        flip(damaged, 2_000, 1);
        PageSumAdder adder = PageSumAdder.open(folder);
        assertEquals(6, adder.shards());
        adder.add(2, n -> {}, NO_TOKENIZER);
        assertArrayEquals(manifest, Files.readAllBytes(folder.resolve("manifest.json")));
        assertArrayEquals(sums, Files.readAllBytes(folder.resolve("train-00002.sums.arrow")));
        ShardSet set = ShardSet.open(folder);
        assertTrue(set.hasPageSums());
        assertEquals(fingerprint, set.fingerprint());
        set.verify();
        assertEquals(0, PageSumAdder.open(folder).shards());
    }

    static void flip(Path file, long at, int bit) throws IOException {
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.seek(at);
            int value = access.read();
            access.seek(at);
            access.write(value ^ 1 << bit);
        }
    }
}
