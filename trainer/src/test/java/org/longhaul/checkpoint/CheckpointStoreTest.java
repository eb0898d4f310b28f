package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.longhaul.checkpoint.Fixtures.BACKEND;
import static org.longhaul.checkpoint.Fixtures.differences;
import static org.longhaul.checkpoint.Fixtures.empty;
import static org.longhaul.checkpoint.Fixtures.filled;
import static org.longhaul.checkpoint.Fixtures.meta;
import static org.longhaul.checkpoint.Fixtures.save;
import static org.longhaul.checkpoint.Fixtures.wholeState;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;
import org.longhaul.model.ParameterSpec;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Save and load over whole and split layouts, and what is said when something is not there. */
class CheckpointStoreTest {
    @TempDir
    Path folder;

    @Test
    void whatIsSavedIsLoaded() {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            SaveStats stats = save(store, 7);
            assertEquals(1, stats.saves());
            assertEquals(7, stats.lastStep());
            List<BoxData> back = empty(wholeState());
            CheckpointMeta meta = store.loadNewest(BACKEND, c -> back).orElseThrow();
            assertEquals(meta(7).toString(), meta.toString());
            assertEquals(List.of(), differences(back, 7));
            assertEquals(List.of(), store.openNewest().verify());
        }
    }

    @Test
    void anyLayoutLoadsWhatAnyLayoutSaved() {
        for (long seed = 0; seed < 25; seed++) {
            Random random = new Random(seed);
            String where = "seed " + seed;
            long[][] shapes = {BoxesTest.shape(random), {1 + random.nextInt(300), 1 + random.nextInt(300)}, {1 + random.nextInt(900)}};
            int ranks = 1 + random.nextInt(4);
            List<List<Box>> saved = layout(shapes, ranks, random);
            Path root = folder.resolve(where);
            ThreadRanks.run(ranks, group -> {
                try (CheckpointStore store = CheckpointStore.open(root.toString(), group)) {
                    SaveStats stats = save(store, meta(3), filled(saved.get(group.rank()), 3), Fixtures.KEEP_ALL);
                    assertEquals(1, stats.saves(), where);
                    return 0;
                }
            });
            int readers = 1 + random.nextInt(4);
            DType dtype = random.nextBoolean() ? DType.F32 : DType.BF16;
            List<List<Box>> wanted = layout(shapes, readers, random);
            ThreadRanks.run(readers, group -> {
                try (CheckpointStore store = CheckpointStore.open(root.toString(), group)) {
                    List<BoxData> back = wanted.get(group.rank()).stream().map(b -> empty(b, dtype)).toList();
                    store.loadNewest(BACKEND, c -> back).orElseThrow();
                    assertEquals(List.of(), differences(back, 3), where);
                    return 0;
                }
            });
        }
    }

    @Test
    void tensorsLargerThanATileArrivePieceByPiece() {
        Box big = Box.whole("big", 5000, 1300);
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            save(store, meta(1), filled(List.of(big), 1), Fixtures.KEEP_ALL);
            Box columns = new Box("big", new long[] {5000, 1300}, new long[] {0, 400}, new long[] {5000, 300});
            for (Box want : List.of(big, columns)) {
                List<BoxData> back = empty(List.of(want));
                store.loadNewest(BACKEND, c -> back);
                assertEquals(List.of(), differences(back, 1));
            }
        }
    }

    @Test
    void aStepSavedAgainDoesNotTouchTheFirst() {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            save(store, 5);
            save(store, 5);
            assertEquals(List.of("step-00000005.2", "step-00000005"), store.list().stream().map(CheckpointInfo::name).toList());
        }
    }

    @Test
    void aFolderThatCannotBeClaimedEndsAllRanks() throws IOException {
        Files.writeString(folder.resolve("file"), "in the way");
        List<String> said = ThreadRanks.run(2, group -> {
            try (CheckpointStore store = CheckpointStore.open(folder.resolve("file").resolve("checkpoints").toString(), group)) {
                return assertThrows(UserError.class, store::cleanUp).getMessage();
            }
        });
        assertTrue(said.get(0).startsWith("cannot write checkpoints to "), said.get(0));
        assertEquals("rank 0 could not make " + folder.resolve("file").resolve("checkpoints") + " ready, as its own line says", said.get(1));
    }

    @Test
    void twoRunsCannotOwnOneFolder() {
        try (CheckpointStore first = CheckpointStore.open(folder)) {
            first.cleanUp();
            first.cleanUp();
            try (CheckpointStore second = CheckpointStore.open(folder)) {
                UserError e = assertThrows(UserError.class, second::cleanUp);
                String me = "process " + ProcessHandle.current().pid() + " of ";
                assertTrue(e.getMessage().startsWith(folder + " is being written by another run, " + me), e.getMessage());
                assertTrue(e.getMessage().endsWith("; stop that one or name another output"), e.getMessage());
                assertEquals(ExitCode.ENVIRONMENT, e.exitCode(), "a scheduler may try again");
            }
            save(first, 1);
        }
        try (CheckpointStore third = CheckpointStore.open(folder)) {
            third.cleanUp();
            assertEquals(1, third.newestComplete().orElseThrow().step());
        }
    }

    @Test
    void invalidOnesGoWhenTwoCompleteOnesAreThere() {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            for (long step : new long[] {1, 5, 9}) {
                save(store, step);
            }
            store.abandonAfter(1, "rolled back");
            assertEquals(3, store.list().size());
            save(store, 5);
            assertEquals(List.of("step-00000005.2", "step-00000001"), store.list().stream().map(CheckpointInfo::name).toList());
        }
    }

    @Test
    void anAbandonedCourseIsNotResumed() {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            save(store, 5);
            save(store, 9);
            store.abandonAfter(5, "rolled back to step 5 after a loss spike");
            assertEquals(5, store.newestComplete().orElseThrow().step());
            assertEquals("rolled back to step 5 after a loss spike", store.list().get(0).problem());
        }
    }

    /** A network file system shows another node for up to a minute what a folder was: the ranks must not train on from different steps. */
    @Test
    void allRanksLoadTheSameStepWhateverEachOfThemSees() throws IOException {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            save(store, 5);
            save(store, 9);
        }
        for (int stale : new int[] {0, 1, 4, Integer.MAX_VALUE}) {
            List<Long> steps = ThreadRanks.run(2, group -> {
                Storage disk = new LocalStorage(folder);
                try (CheckpointStore store = new CheckpointStore(group.rank() == 0 ? disk : without(disk, "step-00000009", stale), group, 1)) {
                    List<BoxData> back = empty(wholeState());
                    long step = store.loadNewest(BACKEND, c -> back).orElseThrow().step();
                    assertEquals(List.of(), differences(back, step));
                    return step;
                }
            });
            long expected = stale == Integer.MAX_VALUE ? 5 : 9;
            assertEquals(List.of(expected, expected), steps, stale + " looks at an old state");
        }
    }

    @Test
    void whatRankZeroCannotReadEndsAllRanks() {
        List<String> said = ThreadRanks.run(2, group -> {
            try (CheckpointStore store = new CheckpointStore(group.rank() == 0 ? new LocalStorage(folder.resolve("file")) : new LocalStorage(folder), group)) {
                Files.writeString(folder.resolve("file"), "");
                return assertThrows(UserError.class, () -> store.loadNewest(BACKEND, c -> List.of())).getMessage();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        assertTrue(said.get(0).contains("is a file, not a folder of checkpoints"), said.get(0));
        assertTrue(said.get(1).startsWith("rank 0 cannot read the checkpoints in "), said.get(1));
    }

    /** The disk as it was before a folder came, for so many looks into that folder. */
    private static Storage without(Storage disk, String hidden, int looks) {
        AtomicInteger left = new AtomicInteger(looks);
        return (Storage) Proxy.newProxyInstance(Storage.class.getClassLoader(), new Class<?>[] {Storage.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("children") && arguments[0].equals(hidden) && left.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
                return List.of();
            }
            try {
                Object answer = method.invoke(disk, arguments);
                return method.getName().equals("children") && arguments[0].equals("") && left.get() > 0
                        ? ((List<?>) answer).stream().filter(e -> !((Storage.Entry) e).name().equals(hidden)).toList() : answer;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    @Test
    void aGapInTheLayoutIsRefusedAtTheSave() {
        Box upper = new Box("w", new long[] {4, 4}, new long[] {0, 0}, new long[] {3, 4});
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            SaveStats stats = save(store, meta(1), filled(List.of(upper), 1), Fixtures.KEEP_ALL);
            assertEquals(1, stats.failures());
            assertEquals(List.of(), store.list());
        }
    }

    @Test
    void wrongShapesAndNamesAreUserErrors() {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            save(store, 1);
            Checkpoint c = store.openNewest();
            UserError shape = assertThrows(UserError.class, () -> c.load(BACKEND, empty(List.of(Box.whole("model.norm.weight", 17)))));
            assertTrue(shape.getMessage().contains("model.norm.weight has shape [16], the model wants [17]"), shape.getMessage());
            UserError name = assertThrows(UserError.class, () -> c.load(BACKEND, empty(List.of(Box.whole("model.x.exp_avg", 17)))));
            assertTrue(name.getMessage().contains("has no tensor model.x.exp_avg; it has weights only"), name.getMessage());
            UserError step = assertThrows(UserError.class, () -> store.open(2));
            assertTrue(step.getMessage().contains("there is no checkpoint of step 2; complete steps: [1]"), step.getMessage());
        }
    }

    @Test
    void leftoversAreNamedAndCleaned() throws IOException {
        try (CheckpointStore store = CheckpointStore.open(folder)) {
            save(store, 1);
            Files.createDirectories(folder.resolve(".tmp-step-00000002"));
            Files.createDirectories(folder.resolve(".trash-step-00000000"));
            Files.createDirectories(folder.resolve("step-00000003"));
            Files.createDirectories(folder.resolve("notes"));
            List<String> gone = store.cleanUp();
            assertEquals(List.of(".tmp-step-00000002", ".trash-step-00000000", "step-00000003"), gone.stream().sorted().toList());
            assertTrue(Files.exists(folder.resolve("notes")));
            assertEquals(1, store.newestComplete().orElseThrow().step());
        }
    }

    @Test
    void anEmptyOrAbsentFolderHasNone() {
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("absent"))) {
            assertEquals(List.of(), store.list());
            assertFalse(store.loadNewest(BACKEND, c -> List.of()).isPresent());
            assertThrows(UserError.class, store::openNewest);
        }
    }

    @Test
    void aZeroShardOfAPackedParameterIsNamedByItsTensors() {
        Box q = new Box("q", new long[] {8, 4}, new long[] {4, 0}, new long[] {4, 4});
        Box k = new Box("k", new long[] {4, 4}, new long[] {2, 0}, new long[] {2, 4});
        ParameterSpec qkv = new ParameterSpec("layers.0.qkv", new long[] {6, 4}, false, List.of(q, k));
        Tensor shard = Fixtures.tensor("shard", DType.F32, 10);
        List<BoxData> data = BoxData.range(qkv, ".exp_avg", 10, 20, shard);
        assertEquals(List.of("q.exp_avg[6, 2]+[1, 2] of [8, 4]", "q.exp_avg[7, 0]+[1, 4] of [8, 4]", "k.exp_avg[2, 0]+[1, 4] of [4, 4]"),
                data.stream().map(d -> d.box().toString()).toList());
        assertEquals(List.of(0L, 8L, 24L), data.stream().map(d -> d.tensor().offset()).toList());
        assertEquals(24, BoxData.of(qkv, "", Fixtures.tensor("all", DType.F32, 6, 4)).stream().mapToLong(d -> d.box().elements()).sum());
    }

    /** Cuts every tensor into slabs along a random dimension, some of them further into flat ranges as ZeRO-1 does, and deals them out. */
    private static List<List<Box>> layout(long[][] shapes, int ranks, Random random) {
        List<List<Box>> out = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            out.add(new ArrayList<>());
        }
        for (int t = 0; t < shapes.length; t++) {
            long[] shape = shapes[t];
            int dim = random.nextInt(shape.length);
            long cut = random.nextLong(shape[dim] + 1);
            for (int half = 0; half < 2; half++) {
                long[] offset = new long[shape.length];
                long[] extent = shape.clone();
                offset[dim] = half == 0 ? 0 : cut;
                extent[dim] = half == 0 ? cut : shape[dim] - cut;
                Box part = new Box("t" + t, shape, offset, extent);
                long at = 0;
                while (at < part.elements()) {
                    long to = random.nextBoolean() ? part.elements() : at + 1 + random.nextLong(part.elements() - at);
                    int rank = random.nextInt(ranks);
                    Boxes.flatRange(part, at, to).forEach(p -> out.get(rank).add(p.box()));
                    at = to;
                }
            }
        }
        return out;
    }
}
