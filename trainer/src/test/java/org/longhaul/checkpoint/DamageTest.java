package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.longhaul.checkpoint.Fixtures.BACKEND;
import static org.longhaul.checkpoint.Fixtures.wholeState;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;

/** Flipped, cut and missing files: each is named, and the checkpoint before is used. */
class DamageTest {
    @TempDir
    Path folder;

    private CheckpointStore store;
    private Path newest;

    @BeforeEach
    void saveTwo() {
        store = CheckpointStore.open(folder);
        Fixtures.save(store, 1);
        Fixtures.save(store, 2);
        newest = folder.resolve("step-00000002");
    }

    @Test
    void aFlippedByteAnywhereIsFoundByVerify() throws IOException {
        Random random = new Random(3);
        for (Path file : files()) {
            for (int i = 0; i < 12; i++) {
                long at = random.nextLong(Files.size(file));
                flip(file, at);
                List<String> faults = faults();
                assertEquals(1, faults.size(), file + " byte " + at + ": " + faults);
                assertTrue(faults.get(0).contains(file.getFileName().toString()), faults.get(0));
                flip(file, at);
            }
        }
        assertEquals(List.of(), faults());
    }

    /** Manifests of large models have megabytes, and a run of months hundreds of them: a listing reads none, a start only the newest sound one's. */
    @Test
    void hundredsAreListedFromTheirSmallFilesAndAStartPassesOverDamagedManifests() throws IOException {
        for (int step = 3; step <= 300; step++) {
            Path copy = Files.createDirectories(folder.resolve("step-%08d".formatted(step)));
            try (Stream<Path> files = Files.list(newest)) {
                for (Path file : files.toList()) {
                    Files.copy(file, copy.resolve(file.getFileName()));
                }
            }
            byte[] garbage = new byte[(int) Files.size(copy.resolve("manifest.json"))];
            Files.write(copy.resolve("manifest.json"), garbage);
        }
        List<CheckpointInfo> all = store.list();
        assertEquals(300, all.size());
        assertTrue(all.stream().allMatch(CheckpointInfo::complete), "by length they may be");
        assertEquals(300, store.newestComplete().orElseThrow().step());
        List<BoxData> back = Fixtures.empty(wholeState());
        assertEquals(2, store.loadNewest(BACKEND, c -> back).orElseThrow().step());
        assertEquals(List.of(), Fixtures.differences(back, 2));
        assertTrue(store.list().get(0).problem().contains("manifest.json does not match its checksum in DONE"), store.list().get(0).problem());
    }

    @Test
    void aFlippedByteOfDataIsNamedAndTheStepBeforeIsUsed() throws IOException {
        Path file = newest.resolve("rank-0000.bin");
        flip(file, 5000);
        String message = fallsBack();
        assertTrue(message.contains(file + " is damaged between byte 4096 and byte 5119"), message);
        UserError direct = assertThrows(UserError.class, () -> store.open(2));
        assertTrue(direct.getMessage().contains("is damaged between byte 4096 and byte 5119"), direct.getMessage());
    }

    @Test
    void everyCutOrMissingFileIsNamedAndTheStepBeforeIsUsed() throws IOException {
        for (Path file : files()) {
            for (boolean missing : new boolean[] {true, false}) {
                byte[] before = Files.readAllBytes(file);
                if (missing) {
                    Files.delete(file);
                } else {
                    Files.write(file, Arrays.copyOf(before, before.length / 2));
                }
                String message = fallsBack();
                assertTrue(message.contains(file.getFileName().toString()), file + (missing ? " missing: " : " cut: ") + message);
                Files.write(file, before);
                Files.deleteIfExists(newest.resolve(CheckpointFolders.INVALID));
            }
        }
    }

    @Test
    void onlyTheBytesThatAreWantedMustBeSound() throws IOException {
        flip(newest.resolve("rank-0000.bin"), 5000);
        List<BoxData> back = Fixtures.empty(List.of(Box.whole("model.norm.weight", 16)));
        store.open(2).load(BACKEND, back);
        assertEquals(List.of(), Fixtures.differences(back, 2));
    }

    @Test
    void damageOfAllLeavesNone() throws IOException {
        for (int step = 1; step <= 2; step++) {
            flip(folder.resolve("step-0000000" + step).resolve("rank-0000.bin"), 0);
        }
        assertFalse(store.loadNewest(BACKEND, c -> Fixtures.empty(wholeState())).isPresent());
    }

    @Test
    void allRanksTakeTheSameStepWhenOneFindsDamage() throws IOException {
        // Rank 0 wants the damaged half, rank 1 the sound one.
        flip(newest.resolve("rank-0000.bin"), 5000);
        List<Long> steps = ThreadRanks.run(2, group -> {
            CheckpointStore mine = CheckpointStore.open(folder.toString(), group);
            Box box = group.rank() == 0 ? Box.whole("model.layers.0.self_attn.q_proj.weight", 16, 16) : Box.whole("model.norm.weight", 16);
            return mine.loadNewest(BACKEND, c -> Fixtures.empty(List.of(box))).orElseThrow().step();
        });
        assertEquals(List.of(1L, 1L), steps);
    }

    /** The other rank has found the damage and said so on disk before this one looks. */
    @Test
    @Timeout(60)
    void aRankThatComesLateAgreesWithTheOneThatFoundTheDamage() throws IOException {
        flip(newest.resolve("rank-0000.bin"), 5000);
        List<Long> steps = ThreadRanks.run(2, group -> {
            CheckpointStore mine = CheckpointStore.open(folder.toString(), group.rank() == 0 ? group : late(group));
            return mine.loadNewest(BACKEND, c -> Fixtures.empty(wholeState())).orElseThrow().step();
        });
        assertEquals(List.of(1L, 1L), steps);
    }

    /** A rank that hears which checkpoint is tried and looks at it when that is marked already. */
    private RankGroup late(RankGroup group) {
        return new RankGroup() {
            @Override
            public int rank() {
                return group.rank();
            }

            @Override
            public int size() {
                return group.size();
            }

            @Override
            public boolean all(boolean mine) {
                return group.all(mine);
            }

            @Override
            public String first(String mine) {
                String said = group.first(mine);
                while (!Files.exists(newest.resolve(CheckpointFolders.INVALID))) {
                    Thread.onSpinWait();
                }
                return said;
            }
        };
    }

    private String fallsBack() {
        List<BoxData> back = Fixtures.empty(wholeState());
        assertEquals(1, store.loadNewest(BACKEND, c -> back).orElseThrow().step());
        assertEquals(List.of(), Fixtures.differences(back, 1));
        CheckpointInfo info = store.list().get(0);
        assertFalse(info.complete());
        return info.problem();
    }

    private List<String> faults() {
        CheckpointInfo info = store.list().get(0);
        if (!info.complete()) {
            return List.of(info.problem());
        }
        try {
            return store.open(info).verify();
        } catch (UserError e) {
            return List.of(e.getMessage());
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(newest)) {
            return new ArrayList<>(all.sorted().toList());
        }
    }

    private static void flip(Path file, long at) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, at);
            one.put(0, (byte) (one.get(0) ^ 0x10)).flip();
            channel.write(one, at);
        }
    }
}
