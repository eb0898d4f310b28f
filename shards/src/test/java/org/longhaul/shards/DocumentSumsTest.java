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
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

/** Document tables are held against their checksums as they are read. */
class DocumentSumsTest {
    private static final int DOCUMENTS = 20_000;

    @TempDir
    private Path folder;

    private Path file;

    private void write() throws IOException {
        new Fixture(folder, 300, 5, 1, DOCUMENTS, 8);
        file = folder.resolve("train-00000.documents.arrow");
    }

    // Whatever a training run or its reports take from a table.
    private static List<String> rows(TokenSplit split, int from, int to) {
        List<String> rows = new ArrayList<>();
        for (int d = from; d < to; d++) {
            rows.add(split.documentStart(d) + " " + split.documentLength(d) + " " + split.documentId(d) + " " + split.documentBytes(d) + " "
                    + split.documentSource(d) + " " + split.documentLanguage(d));
        }
        return rows;
    }

    private TokenSplit train() {
        return ShardSet.open(folder).split("train");
    }

    @Test
    void aFlippedBitOfAnyColumnOrHeaderIsTold() throws IOException {
        write();
        ArrowMap map = new ArrowMap(file, Schemas.documents(), Schemas.DOCUMENT_WIDTHS);
        List<String> whole = rows(train(), 0, DOCUMENTS);
        long seed = 12;
        Random random = new Random(seed);
        for (int i = 0; i < 60; i++) {
            int row = random.nextInt(DOCUMENTS);
            int column = i % Schemas.DOCUMENT_WIDTHS.length;
            long at = map.at(column, row) + random.nextInt(Schemas.DOCUMENT_WIDTHS[column]);
            int bit = random.nextInt(8);
            DamagedReadTest.flip(file, at, bit);
            UserError error = assertThrows(UserError.class, () -> rows(train(), row, row + 1), "byte " + at + " seed " + seed);
            assertEquals(2, error.exitCode().status());
            assertEquals(1, error.getMessage().lines().count(), error.getMessage());
            assertTrue(error.getMessage().startsWith(file + ": "), error.getMessage());
            DamagedReadTest.flip(file, at, bit);
        }
        assertEquals(whole, rows(train(), 0, DOCUMENTS));
        int header = map.at(Schemas.START, 1 << 14) - 40;
        int told = 0;
        for (int i = 0; i < 100; i++) {
            long at = header - random.nextInt(400);
            int bit = random.nextInt(8);
            DamagedReadTest.flip(file, at, bit);
            try {
                assertEquals(whole.subList(1 << 14, DOCUMENTS), rows(train(), 1 << 14, DOCUMENTS), "byte " + at + " seed " + seed);
            } catch (UserError e) {
                told++;
                assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
            }
            DamagedReadTest.flip(file, at, bit);
        }
        assertTrue(told > 90, told + " of 100 told");
    }

    @Test
    void aPageOfAnotherTableIsToldThoughItTiles() throws IOException {
        write();
        Path other = Files.createDirectories(folder.resolve("other"));
        new Fixture(other, 300, 6, 1, DOCUMENTS, 8);
        Path theirs = other.resolve(file.getFileName());
        assertEquals(Files.size(theirs), Files.size(file));
        int page = new ArrowMap(file, Schemas.documents(), Schemas.DOCUMENT_WIDTHS).at(Schemas.ID, 5_000) / ShardManifest.Shard.PAGE_BYTES;
        try (RandomAccessFile to = new RandomAccessFile(file.toFile(), "rw"); RandomAccessFile from = new RandomAccessFile(theirs.toFile(), "r")) {
            byte[] bytes = new byte[ShardManifest.Shard.PAGE_BYTES];
            from.seek((long) page * bytes.length);
            from.readFully(bytes);
            to.seek((long) page * bytes.length);
            to.write(bytes);
        }
        UserError error = assertThrows(UserError.class, () -> rows(train(), 5_000, 5_001));
        long at = (long) page * ShardManifest.Shard.PAGE_BYTES;
        assertTrue(error.getMessage().startsWith(file + ": bytes " + at + " to " + (at + 32_767) + " have the checksum "), error.getMessage());
        assertTrue(error.getMessage().contains(", train-00000.document-sums.arrow says "), error.getMessage());
        // The other pages are read, and who asked for no checks gets what is there.
        assertEquals(3, rows(train(), DOCUMENTS - 3, DOCUMENTS).size());
        assertEquals(1, rows(ShardSet.open(folder, ReadChecks.NONE, damage -> {}).split("train"), 5_000, 5_001).size());
        List<String> told = new ArrayList<>();
        TokenSplit warned = ShardSet.open(folder, ReadChecks.WARN, told::add).split("train");
        rows(warned, 5_000, 5_002);
        rows(warned, 5_000, 5_002);
        assertEquals(List.of(error.getMessage()), told);
    }

    @Test
    void aTableThatIsCutWhileItIsReadIsNamed() throws IOException {
        write();
        TokenSplit split = train();
        long size = Files.size(file);
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(8_192);
        }
        UserError error = assertThrows(UserError.class, () -> rows(split, 5_000, 5_001));
        assertTrue(error.getMessage().startsWith(file + ": has 8192 bytes, it had " + size + " when it was opened"), error.getMessage());
    }

    @Test
    void aDataSetOfVersionTwoIsReadAsBeforeAndItsSumsAreAddedLater() throws IOException {
        write();
        byte[] manifest = Files.readAllBytes(folder.resolve("manifest.json"));
        byte[] sums = Files.readAllBytes(folder.resolve("train-00000.document-sums.arrow"));
        List<String> whole = rows(train(), 0, DOCUMENTS);
        EqualShards.makeOld(folder, 2);
        ShardSet old = ShardSet.open(folder);
        assertEquals(2, old.manifest().version());
        assertTrue(old.hasPageSums());
        assertFalse(old.hasDocumentSums());
        assertEquals(whole, rows(old.split("train"), 0, DOCUMENTS));
        DamagedReadTest.flip(file, 3_000, 1);
        UserError error = assertThrows(UserError.class, () -> PageSumAdder.open(folder).add(2, n -> {}, f -> ""));
        assertTrue(error.getMessage().startsWith(file + ": checksum does not match in bytes 0–"), error.getMessage());
        DamagedReadTest.flip(file, 3_000, 1);
        PageSumAdder adder = PageSumAdder.open(folder);
        assertEquals(2, adder.shards());
        assertEquals(Files.size(file) + Files.size(folder.resolve("validation-00000.documents.arrow")), adder.bytes());
        adder.add(2, n -> {}, f -> "");
        assertArrayEquals(manifest, Files.readAllBytes(folder.resolve("manifest.json")));
        assertArrayEquals(sums, Files.readAllBytes(folder.resolve("train-00000.document-sums.arrow")));
        assertTrue(ShardSet.open(folder).hasDocumentSums());
        ShardSet.open(folder).verify();
    }
}
