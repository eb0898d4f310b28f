package org.longhaul.shards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardVerifier.Fault;

class ShardVerifierTest {
    @TempDir
    Path folder;

    @BeforeEach
    void write() throws IOException {
        EqualShards.write(folder, 5);
    }

    private List<Fault> verify(int threads) {
        ShardVerifier verifier = ShardVerifier.open(ShardPlace.folder(folder));
        AtomicLong read = new AtomicLong();
        List<Fault> faults = verifier.verify(threads, read::addAndGet);
        assertEquals(12, verifier.files());
        if (faults.isEmpty()) {
            assertEquals(verifier.bytes(), read.get());
        }
        return faults;
    }

    private Fault only() {
        List<Fault> faults = verify(3);
        assertEquals(1, faults.size(), faults.toString());
        assertEquals(faults, verify(1), "the number of threads changes nothing");
        return faults.get(0);
    }

    @Test
    void everyFileIsReadWhole() {
        assertEquals(List.of(), verify(4));
    }

    @Test
    void flipsAreNamedWithWhatWasFoundAndExpected() throws IOException {
        for (String kind : List.of("tokens", "documents", "sums", "document-sums")) {
            Path file = folder.resolve("train-00001." + kind + ".arrow");
            long last = Files.size(file) - 1;
            DamagedReadTest.flip(file, last / 2, 3);
            Fault fault = only();
            assertTrue(fault.what().matches("\\Q" + file + "\\E: checksum does not match in bytes 0–" + last + ": found [0-9a-f]{16}, the manifest says [0-9a-f]{16}"),
                    fault.what());
            assertEquals("copy the file again", fault.mend());
            DamagedReadTest.flip(file, last / 2, 3);
        }
        assertEquals(List.of(), verify(2));
    }

    @Test
    void damagedBlocksOfALargeFileAreRanges(@TempDir Path large) throws IOException {
        new Fixture(large, 70_000, 3, 1, 5_000, 4_000);
        Path file = large.resolve("train-00000.tokens.arrow");
        assertTrue(Files.size(file) > 9L << 22, "needs nine blocks");
        for (int block : new int[] {1, 2, 5, 8}) {
            DamagedReadTest.flip(file, ((long) block << 22) + 77, 1);
        }
        List<Fault> faults = ShardVerifier.open(ShardPlace.folder(large)).verify(2, n -> {});
        assertEquals(1, faults.size());
        assertTrue(faults.get(0).what().startsWith(file + ": checksum does not match in bytes 4194304–12582911, 20971520–25165823, 33554432–"), faults.toString());
        assertTrue(faults.get(0).what().contains(" in the first of 4 of "), faults.toString());
    }

    @Test
    void swapsSayWhatTheFilesHold() throws IOException {
        Path a = folder.resolve("train-00000.tokens.arrow");
        Path b = folder.resolve("validation-00000.tokens.arrow");
        Path t = folder.resolve("t");
        Files.move(a, t);
        Files.move(b, a);
        Files.move(t, b);
        assertEquals(List.of(a + ": holds what belongs into validation-00000.tokens.arrow", b + ": holds what belongs into train-00000.tokens.arrow"),
                verify(2).stream().map(Fault::what).toList());
    }

    @Test
    void anotherDataSetsShardOfTheSameSizeIsNotTaken(@TempDir Path other) throws IOException {
        EqualShards.write(other, 6);
        for (String kind : List.of("tokens", "documents", "sums", "document-sums")) {
            Files.copy(other.resolve("train-00000." + kind + ".arrow"), folder.resolve("train-00000." + kind + ".arrow"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        assertEquals(4, verify(2).size());
    }

    @Test
    void cutAndMissingFilesAreNamedWithBothSizes() throws IOException {
        Path file = folder.resolve("train-00001.tokens.arrow");
        long size = Files.size(file);
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(1_000);
        }
        assertEquals(new Fault(file + ": has 1000 bytes, the manifest says " + size, "copy the file again", false), only());
        Files.delete(file);
        assertEquals(new Fault(file + ": file is missing, the manifest says " + size + " bytes", "copy it again", false), only());
    }

    @Test
    void aPlaceThatFailsIsNotTakenForDamage() {
        ShardPlace sound = ShardPlace.folder(folder);
        ShardPlace failing = new ShardPlace() {
            @Override
            public String name() {
                return "store";
            }

            @Override
            public long length(String file) throws IOException {
                return sound.length(file);
            }

            @Override
            public Reader open(String file) throws IOException {
                if (file.equals("train-00000.tokens.arrow")) {
                    throw new IOException("connection reset\nsecond line");
                }
                return sound.open(file);
            }
        };
        assertEquals(List.of(new Fault("store/train-00000.tokens.arrow: cannot be read at byte 0: connection reset",
                "mend that place, or copy the file to another one", true)), ShardVerifier.open(failing).verify(2, n -> {}));
    }

    @Test
    void manifestsAreCheckedToo() throws IOException {
        Path manifest = folder.resolve("manifest.json");
        DamagedReadTest.flip(manifest, Files.size(manifest) / 2, 0);
        UserError damaged = assertThrows(UserError.class, () -> verify(1));
        assertTrue(damaged.getMessage().startsWith(manifest + ": "), damaged.getMessage());
        Files.delete(manifest);
        UserError absent = assertThrows(UserError.class, () -> verify(1));
        assertTrue(absent.getMessage().startsWith(manifest + ": file is missing"), absent.getMessage());
        assertEquals(2, absent.exitCode().status());
    }
}
