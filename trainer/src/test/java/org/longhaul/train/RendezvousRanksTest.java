package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.BoxData;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointSaver;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.checkpoint.Retention;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.checkpoint.SaveStats;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.model.Box;
import org.longhaul.model.ModelConfig;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

class RendezvousRanksTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(400);

    /** A rank that comes to one of its calls only when the others have given it up. */
    private record Late(RankGroup ranks, int call, CountDownLatch givenUp, int[] calls) implements RankGroup {
        @Override
        public int rank() {
            return ranks.rank();
        }

        @Override
        public int size() {
            return ranks.size();
        }

        @Override
        public boolean all(boolean mine) {
            int now = calls[0]++;
            if (rank() != 0 && now == call) {
                await(givenUp);
            }
            try {
                return ranks.all(mine);
            } finally {
                if (rank() == 0 && now == call) {
                    givenUp.countDown();
                }
            }
        }

        @Override
        public String first(String mine) {
            return ranks.first(mine);
        }
    }

    @Test
    void allSayYesOrTheAnswerIsNo() throws Exception {
        int size = 5;
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<List<Boolean>> answers = together(size, r -> {
                RankGroup group = ranks(store, r, size, PATIENCE);
                List<Boolean> said = new ArrayList<>();
                for (int call = 0; call < 40; call++) {
                    said.add(group.all(call % 7 != r));
                }
                return said;
            });
            for (List<Boolean> said : answers) {
                for (int call = 0; call < 40; call++) {
                    assertEquals(call % 7 >= size, said.get(call), "call " + call);
                }
            }
            assertTrue(store.keys("savers/").size() <= 2 * size, () -> "meetings that are over stay: " + store.keys("savers/"));
        }
    }

    @Test
    void allHearWhatRankZeroSays() throws Exception {
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<List<String>> answers = together(3, r -> {
                RankGroup group = ranks(store, r, 3, PATIENCE);
                return List.of(group.first("step-" + r), Boolean.toString(group.all(r != 1)), group.first(r == 0 ? "" : "x"));
            });
            for (List<String> said : answers) {
                assertEquals(List.of("step-0", "false", ""), said);
            }
        }
    }

    @Test
    void whoComesTooLateSpoilsThatMeetingOnAllRanksAndNoneAfterIt() throws Exception {
        int size = 3;
        CountDownLatch givenUp = new CountDownLatch(1);
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<List<String>> answers = together(size, r -> {
                RankGroup group = ranks(store, r, size, SHORT);
                RankGroup late = r == 0 || r == 2 ? new Late(group, 2, givenUp, new int[1]) : group;
                List<String> said = new ArrayList<>();
                for (int call = 0; call < 12; call++) {
                    boolean mine = call % 5 != r;
                    try {
                        said.add(Boolean.toString(late.all(mine)));
                    } catch (UserError e) {
                        said.add("given up");
                    }
                }
                return said;
            });
            for (List<String> said : answers) {
                for (int call = 0; call < 12; call++) {
                    assertEquals(call == 2 ? "given up" : Boolean.toString(call % 5 >= size), said.get(call), "call " + call + " of " + answers);
                }
            }
            assertTrue(store.keys("savers/").size() <= 2 * size, () -> "meetings that are over stay: " + store.keys("savers/"));
        }
    }

    @Test
    void aRankZeroThatComesTooLateFindsItselfGivenUp() throws Exception {
        CountDownLatch givenUp = new CountDownLatch(1);
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<List<String>> answers = together(2, r -> {
                RankGroup group = ranks(store, r, 2, SHORT);
                List<String> said = new ArrayList<>();
                for (int call = 0; call < 4; call++) {
                    if (r == 0 && call == 1) {
                        await(givenUp);
                    }
                    try {
                        said.add(Boolean.toString(group.all(call != 2 || r != 1)));
                    } catch (UserError e) {
                        said.add(e.getMessage().substring(0, "rank(s) 0".length()));
                        givenUp.countDown();
                    }
                }
                return said;
            });
            assertEquals(List.of(List.of("true", "rank(s) 0", "false", "true"), List.of("true", "rank(s) 0", "false", "true")), answers);
        }
    }

    @Test
    void whoNeverComesIsNamed() throws Exception {
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<String> said = together(2, r -> assertThrows(UserError.class, () -> ranks(store, r, 4, SHORT).all(true)).getMessage());
            for (String line : said) {
                assertTrue(line.contains("rank(s) 2, 3"), line);
            }
        }
    }

    @Test
    void whoWaitsForRankZeroWaitsNoLongerThanItWouldWait() throws Exception {
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<String> said = together(1, r -> assertThrows(UserError.class, () -> ranks(store, 1, 2, Duration.ofSeconds(1)).all(true)).getMessage());
            // The words have the time that was waited.
            assertTrue(said.get(0).startsWith("rank(s) 0 did not come within 1 s "), said.get(0));
        }
    }

    @Test
    void rankZeroThatCameInTimeIsNotGivenUpWhileItWaitsForOthers() throws Exception {
        // Rank 1 would have lost its patience with rank 0 by the time that rank 0 loses its own with rank 2.
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<String> said = together(2, r -> assertThrows(UserError.class, () -> ranks(store, r, 3, r == 0 ? SHORT.multipliedBy(4) : SHORT).all(true))
                    .getMessage());
            for (String line : said) {
                assertTrue(line.startsWith("rank(s) 2 did not come"), line);
            }
        }
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aRankOfAnotherAttemptIsToldAtOnce() throws Exception {
        try (Rendezvous store = Rendezvous.serve(0, "the next attempt's token")) {
            for (int rank = 0; rank < 2; rank++) {
                RankGroup left = ranks(store, rank, 2, Duration.ofMinutes(10));
                assertTrue(assertThrows(UserError.class, () -> left.all(true)).getMessage().contains("another job or attempt"));
            }
        }
    }

    @Test
    void savesSucceedAgainAfterOneThatARankCameTooLateFor(@TempDir Path folder) throws Exception {
        int size = 2;
        CountDownLatch givenUp = new CountDownLatch(1);
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<SaveStats> stats = together(size, r -> {
                RankGroup group = new Late(ranks(store, r, size, SHORT), 1, givenUp, new int[1]);
                try (CpuBackend backend = new CpuBackend(1); Arena arena = backend.allocate("state", Arena.ALIGNMENT);
                        CheckpointStore checkpoints = CheckpointStore.open(folder.toString(), group);
                        CheckpointSaver saver = new CheckpointSaver(checkpoints, backend, Retention.defaults())) {
                    Tensor half = arena.tensor("half", 0, DType.F32, 2);
                    Host.put(backend, half, 2f * r, 2f * r + 1);
                    Box box = new Box("x", new long[] {4}, new long[] {2L * r}, new long[] {2});
                    for (long step = 1; step <= 4; step++) {
                        saver.save(new CheckpointMeta(step, SaveKind.EPHEMERAL, TINY, "", Map.of(), null), List.of(new BoxData(box, half)));
                        saver.await();
                    }
                    return saver.stats();
                }
            });
            for (SaveStats s : stats) {
                assertEquals(List.of(3L, 1L, 4L), List.of(s.saves(), s.failures(), s.lastStep()), stats.toString());
            }
        }
    }

    private static final ModelConfig TINY = new ModelConfig(1, 8, 2, 2, 8, 16, 4, 1e4, 1e-6, 0.02);

    private static RankGroup ranks(Rendezvous store, int rank, int size, Duration timeout) {
        return new RendezvousRanks(new RankEnvironment(rank, size, rank, size, "127.0.0.1", store.port(), "token", false, 0), timeout, () -> true);
    }

    private interface Work<T> {
        T of(int rank) throws Exception;
    }

    private static <T> List<T> together(int ranks, Work<T> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(ranks);
        try {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int r = 0; r < ranks; r++) {
                int rank = r;
                tasks.add(() -> work.of(rank));
            }
            List<T> answers = new ArrayList<>();
            for (Future<T> f : threads.invokeAll(tasks)) {
                answers.add(f.get());
            }
            return answers;
        } finally {
            threads.shutdownNow();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
