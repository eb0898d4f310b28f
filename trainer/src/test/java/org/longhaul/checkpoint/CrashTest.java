package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.longhaul.checkpoint.Fixtures.BACKEND;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.model.Box;

/** Death at every single change of the file system, and kill -9 of real processes, always leave the last committed step whole. */
class CrashTest {
    private static final Retention KEEP_TWO = new Retention(Duration.ofMinutes(5), 0, 2, 0);
    private static final List<Box> STATE = List.of(Box.whole("a", 30, 7), Box.whole("a.exp_avg", 30, 7));

    @TempDir
    Path folder;

    @Test
    void deathAtEveryChangeWithAtomicRename() throws IOException {
        deathAtEveryChange(true);
    }

    @Test
    void deathAtEveryChangeOnAnObjectStore() throws IOException {
        deathAtEveryChange(false);
    }

    private void deathAtEveryChange(boolean atomic) throws IOException {
        for (int dieAt = 1;; dieAt++) {
            MemoryStorage disk = new MemoryStorage();
            CrashStorage storage = new CrashStorage(disk, atomic, dieAt);
            long committed = -1;
            CheckpointStore dying = new CheckpointStore(storage, RankGroup.single());
            for (long step = 1; step <= 5 && !storage.dead(); step++) {
                SaveStats stats = Fixtures.save(dying, Fixtures.meta(step), Fixtures.filled(STATE, step), KEEP_TWO);
                if (stats.saves() == 1) {
                    committed = step;
                }
            }
            assertRecovers(new CheckpointStore(new CrashStorage(disk, atomic, Integer.MAX_VALUE), RankGroup.single()),
                    committed, "died at change " + dieAt);
            if (!storage.dead()) {
                assertTrue(dieAt > 60, "only " + dieAt + " changes were tried");
                return;
            }
        }
    }

    @Test
    void killedProcessesLoseNothingCommitted() throws IOException {
        Random random = new Random(20);
        long committed = -1;
        for (int round = 0; round < 20; round++) {
            int lines = 1 + random.nextInt(6);
            long nanos = random.nextInt(4_000_000);
            String where = "round " + round + ": killed " + nanos + " ns after line " + lines;
            Process child = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-Xmx64m", "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), Saving.class.getName(), folder.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            try (BufferedReader out = child.inputReader(StandardCharsets.UTF_8)) {
                for (int i = 0; i < lines; i++) {
                    committed = Math.max(committed, step(out.readLine(), where));
                }
                LockSupport.parkNanos(nanos);
                // Killing through the handle leaves the child's output readable to its end.
                child.toHandle().destroyForcibly();
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    committed = Math.max(committed, step(line, where));
                }
            }
            child.onExit().join();
            try (CheckpointStore store = CheckpointStore.open(folder)) {
                assertRecovers(store, committed, where);
            }
        }
    }

    private static long step(String line, String where) {
        assertTrue(line != null && line.matches("committed \\d+"), where + ": the child said " + line);
        return Long.parseLong(line.substring("committed ".length()));
    }

    private static void assertRecovers(CheckpointStore store, long committed, String where) throws IOException {
        store.cleanUp();
        List<CheckpointInfo> left = store.list();
        assertTrue(left.stream().allMatch(CheckpointInfo::complete), () -> where + ": " + left);
        for (CheckpointInfo info : left) {
            assertEquals(List.of(), store.open(info).verify(), where);
        }
        for (Storage.Entry e : store.storage().children("")) {
            assertTrue(StepName.parse(e.name()) != null || e.name().equals(CheckpointWriter.LATEST) || e.name().equals(".lock") || e.name().equals(Lease.FILE), where + ": " + e + " is left");
        }
        if (committed > 0) {
            List<BoxData> back = Fixtures.empty(STATE);
            long step = store.loadNewest(BACKEND, c -> back).orElseThrow().step();
            assertTrue(step >= committed, where + ": step " + step + " after " + committed + " was committed");
            assertEquals(List.of(), Fixtures.differences(back, step), where);
            assertTrue(committed < 2 || left.size() >= 2, where + ": only " + left);
        }
    }

    /** The child: resumes from the newest checkpoint and saves step after step until it is killed. */
    static final class Saving {
        private Saving() {}

        public static void main(String[] args) {
            CheckpointStore store = CheckpointStore.open(Path.of(args[0]));
            store.cleanUp();
            List<BoxData> back = Fixtures.empty(STATE);
            long step = store.loadNewest(BACKEND, c -> back).map(CheckpointMeta::step).orElse(0L);
            List<String> wrong = step == 0 ? List.of() : Fixtures.differences(back, step);
            if (!wrong.isEmpty()) {
                System.out.println(wrong.get(0));
                return;
            }
            try (CheckpointSaver saver = new CheckpointSaver(store, BACKEND, KEEP_TWO)) {
                while (true) {
                    step++;
                    saver.save(Fixtures.meta(step), Fixtures.filled(STATE, step));
                    saver.await();
                    if (saver.stats().lastStep() != step) {
                        System.out.println("step " + step + " was not saved");
                        return;
                    }
                    System.out.println("committed " + step);
                }
            }
        }
    }
}
