package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.longhaul.checkpoint.Fixtures.BACKEND;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostCopier;
import org.longhaul.tensor.Tensor;

/** Saving beside training: the state of the moment is saved, failures are warnings, old checkpoints go by the rules. */
class SaverTest {
    private static final Retention TWO = new Retention(Duration.ofMinutes(5), 0, 2, 0);

    @TempDir
    Path folder;

    @Test
    void trainingMayChangeTheStateAsSoonAsSaveReturns() {
        List<BoxData> state = Fixtures.filled(Fixtures.wholeState(), 1);
        CountDownLatch overwritten = new CountDownLatch(1);
        RankGroup waits = behind(overwritten);
        CheckpointStore store = CheckpointStore.open(folder.toString(), waits);
        try (CheckpointSaver saver = new CheckpointSaver(store, BACKEND, TWO)) {
            saver.save(Fixtures.meta(1), state);
            state.forEach(d -> BACKEND.zero(d.tensor()));
            overwritten.countDown();
        }
        List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
        store.loadNewest(BACKEND, c -> back);
        assertEquals(List.of(), Fixtures.differences(back, 1));
    }

    @Test
    void copiesMayGoOnUntilTheGate() {
        CheckpointStore store = CheckpointStore.open(folder);
        LateCopier copier = new LateCopier(n -> ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder()));
        try (CheckpointSaver saver = new CheckpointSaver(store, copier, TWO)) {
            for (long step = 1; step <= 3; step++) {
                List<BoxData> state = Fixtures.filled(Fixtures.wholeState(), step);
                saver.start(Fixtures.meta(step), state);
                saver.gate();
                state.forEach(d -> BACKEND.zero(d.tensor()));
            }
        }
        List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
        store.loadNewest(BACKEND, c -> back);
        assertEquals(List.of(), Fixtures.differences(back, 3));
    }

    /** Copies as late as a device may: at the gate, or when someone waits. */
    private static final class LateCopier implements HostCopier {
        private final IntFunction<ByteBuffer> allocator;
        private List<ByteBuffer> destinations = List.of();
        private List<Tensor> sources = List.of();

        LateCopier(IntFunction<ByteBuffer> allocator) {
            this.allocator = allocator;
        }

        @Override
        public ByteBuffer allocate(int bytes) {
            return allocator.apply(bytes);
        }

        @Override
        public synchronized void start(List<ByteBuffer> to, List<Tensor> from) {
            destinations = to;
            sources = from;
        }

        @Override
        public void gate() {
            await();
        }

        @Override
        public synchronized void await() {
            for (int i = 0; i < sources.size(); i++) {
                BACKEND.download(destinations.get(i).duplicate().order(ByteOrder.nativeOrder()), sources.get(i));
            }
            sources = List.of();
        }

        @Override
        public void close() {}
    }

    @Test
    void savesFollowEachOtherWithoutWaitingByHand() {
        CheckpointStore store = CheckpointStore.open(folder);
        List<BoxData> state = Fixtures.filled(Fixtures.wholeState(), 0);
        SaveStats stats;
        try (CheckpointSaver saver = new CheckpointSaver(store, BACKEND, TWO)) {
            for (long step = 1; step <= 30; step++) {
                List<BoxData> next = Fixtures.filled(Fixtures.wholeState(), step);
                for (int i = 0; i < state.size(); i++) {
                    BACKEND.copy(state.get(i).tensor(), next.get(i).tensor());
                }
                saver.save(Fixtures.meta(step), state);
            }
            saver.await();
            stats = saver.stats();
            // Nobody looked in between: none is forgotten for that.
            List<SaveOutcome> ended = saver.ended();
            assertEquals(LongStream.rangeClosed(1, 30).boxed().toList(), ended.stream().map(SaveOutcome::step).toList());
            assertEquals(stats.totalStallSeconds(), ended.stream().mapToDouble(SaveOutcome::stallSeconds).sum(), 1e-9);
            assertEquals(List.of(), saver.ended());
        }
        assertEquals(30, stats.saves());
        assertTrue(stats.totalStallSeconds() >= stats.lastStallSeconds() && stats.lastBytes() > 0);
        assertEquals(List.of(30L, 29L), store.list().stream().map(CheckpointInfo::step).toList());
        List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
        store.loadNewest(BACKEND, c -> back);
        assertEquals(List.of(), Fixtures.differences(back, 30));
    }

    @Test
    void stagingMemoryIsUsedAgainAndFitsChangingSizes() {
        CheckpointStore store = CheckpointStore.open(folder);
        List<Integer> allocations = new ArrayList<>();
        try (CheckpointSaver saver = new CheckpointSaver(store, new LateCopier(n -> {
            allocations.add(n);
            return ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder());
        }), TWO)) {
            long[] rows = {100, 100, 90, 20_000_000, 20_000_000, 50, 33_000_000};
            for (int i = 0; i < rows.length; i++) {
                Box box = Box.whole("t", rows[i]);
                BoxData data = rows[i] > 1000 ? Fixtures.empty(box, DType.F32) : Fixtures.filled(box, DType.F32, i);
                saver.save(Fixtures.meta(i), List.of(data));
                saver.await();
                assertEquals(i + 1, saver.stats().saves());
            }
        }
        assertEquals(List.of(4096, 64 << 20, 12_894_208, 64_892_928), allocations, allocations::toString);
        assertEquals(List.of(), store.openNewest().verify());
    }

    @Test
    void aFullDiskIsAWarningAndTheLastGoodCheckpointStays() throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk.toString()), "mounting a small tmpfs is not permitted here");
        try {
            CheckpointStore store = CheckpointStore.open(disk);
            try (CheckpointSaver saver = new CheckpointSaver(store, BACKEND, Fixtures.KEEP_ALL)) {
                for (long step = 1; step <= 4; step++) {
                    saver.save(Fixtures.meta(step), Fixtures.filled(Fixtures.wholeState(), step));
                }
                saver.await();
                assertTrue(saver.stats().failures() > 0 && saver.stats().saves() > 0, saver.stats().toString());
                long good = saver.stats().lastStep();
                List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
                assertEquals(good, store.loadNewest(BACKEND, c -> back).orElseThrow().step());
                assertEquals(List.of(), Fixtures.differences(back, good));
                assertTrue(store.list().stream().allMatch(CheckpointInfo::complete), store.list().toString());
            }
        } finally {
            run("umount", disk.toString());
        }
    }

    @Test
    void anUnwritableFolderIsAWarning() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        SaveStats stats = Fixtures.save(CheckpointStore.open(file.resolve("run").toString()), 1);
        assertEquals(1, stats.failures());
        assertEquals(-1, stats.lastStep());
    }

    @Test
    void whenOneRankFailsNoneCommits() {
        List<SaveStats> stats = ThreadRanks.run(3, group -> {
            CheckpointStore store = CheckpointStore.open(folder.toString(), group);
            try (CheckpointSaver saver = new CheckpointSaver(store, new LateCopier(n -> {
                if (group.rank() == 1) {
                    throw new OutOfMemoryError("planted");
                }
                return ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder());
            }), TWO)) {
                saver.save(Fixtures.meta(1), group.rank() == 0 ? List.of() : Fixtures.filled(Fixtures.wholeState(), 1));
                saver.await();
                return saver.stats();
            }
        });
        assertEquals(List.of(1L, 1L, 1L), stats.stream().map(SaveStats::failures).toList());
        assertEquals(List.of(), CheckpointStore.open(folder).list());
    }

    @Test
    void retentionKeepsWhatItsRulesName() {
        List<CheckpointInfo> all = new ArrayList<>();
        for (long step = 12; step >= 1; step--) {
            all.add(info(step, 1, step % 4 == 0 ? SaveKind.PERMANENT : SaveKind.EPHEMERAL));
        }
        assertEquals(List.of(1L, 2L, 3L, 5L, 6L, 7L, 9L), steps(new Retention(Duration.ZERO, 4, 2, 0), all));
        assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L, 7L, 9L), steps(new Retention(Duration.ZERO, 4, 2, 2), all));
        List<CheckpointInfo> two = List.of(info(2, 1, SaveKind.EPHEMERAL), info(1, 1, SaveKind.EPHEMERAL));
        assertEquals(List.of(), steps(new Retention(Duration.ZERO, 0, 1, 0), two), "never fewer than two stay");
        List<CheckpointInfo> again = List.of(info(5, 2, SaveKind.PERMANENT), info(5, 1, SaveKind.PERMANENT), info(4, 1, SaveKind.EPHEMERAL));
        assertEquals(List.of(5L), steps(new Retention(Duration.ZERO, 5, 2, 0), again));

        // What a roll-back saves of the step that it went back to does not take the place of a permanent one.
        CheckpointInfo kept = info(5, 1, SaveKind.PERMANENT);
        List<CheckpointInfo> behind = List.of(info(7, 1, SaveKind.EPHEMERAL), info(6, 1, SaveKind.EPHEMERAL), info(5, 3, SaveKind.EPHEMERAL),
                info(5, 2, SaveKind.EPHEMERAL), kept, info(4, 1, SaveKind.EPHEMERAL));
        assertEquals(List.of(4L, 5L, 5L), steps(new Retention(Duration.ZERO, 5, 2, 0), behind));
        assertFalse(new Retention(Duration.ZERO, 5, 2, 0).surplus(behind).contains(kept));
    }

    private static List<Long> steps(Retention retention, List<CheckpointInfo> all) {
        return retention.surplus(all).stream().map(CheckpointInfo::step).toList();
    }

    private static CheckpointInfo info(long step, int attempt, SaveKind kind) {
        return new CheckpointInfo(new StepName(step, attempt).folder(), step, true, "", kind, 1, "");
    }

    /** A group of one whose agreement, the last thing before a commit, waits. */
    private static RankGroup behind(CountDownLatch gate) {
        return new RankGroup() {
            @Override
            public int rank() {
                return 0;
            }

            @Override
            public int size() {
                return 1;
            }

            @Override
            public boolean all(boolean mine) {
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return mine;
            }

            @Override
            public String first(String mine) {
                return mine;
            }
        };
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
    }

    @Test
    void aSaveBeingWrittenIsKnownAsSuch() throws InterruptedException {
        CountDownLatch disk = new CountDownLatch(1);
        RankGroup slow = behind(disk);
        try (CheckpointStore store = CheckpointStore.open(folder.toString(), slow); CheckpointSaver saver = new CheckpointSaver(store, BACKEND, Fixtures.KEEP_ALL)) {
            List<BoxData> state = Fixtures.filled(Fixtures.wholeState(), 1);
            saver.reserve(state);
            assertFalse(saver.busy());
            saver.save(Fixtures.meta(1), state);
            assertTrue(saver.busy());
            // Taking memory while a save is written from it must wait for that save.
            Thread reserving = new Thread(() -> saver.reserve(Fixtures.empty(List.of(Box.whole("t", 9_000_000)))));
            reserving.start();
            reserving.join(50);
            assertTrue(reserving.isAlive());
            disk.countDown();
            reserving.join();
            saver.await();
            assertFalse(saver.busy());
            assertEquals(List.of(), store.openNewest().verify());
        }
    }
}
