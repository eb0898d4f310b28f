package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.Lease.Owner;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

/** Who may write to a root that has no lock. */
class LeaseTest {
    private static final Duration BEAT = Duration.ofMillis(100);

    private final MemoryStorage storage = new MemoryStorage();

    private static Owner on(String host, String job) {
        Owner me = Owner.self();
        return new Owner(me.token(), host, me.process(), me.processStart(), "ada", job, "2026-11-23T12:00:00Z", 0);
    }

    private void left(Owner owner) throws IOException {
        storage.makeFolder("");
        storage.write(Lease.FILE, Manifest.encode(owner));
    }

    @Test
    void aLivingRunElsewhereIsNamed() throws IOException {
        try (Lease first = Lease.take(storage, on("node7", ""), BEAT, true)) {
            UserError e = assertThrows(UserError.class, () -> Lease.take(storage, on("node8", ""), BEAT, true));
            assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
            assertEquals("memory is being written by another run, process " + ProcessHandle.current().pid() + " of ada on node7, since "
                    + "2026-11-23T12:00:00Z; stop that one or name another output", e.getMessage());
            first.require();
        }
        assertNull(Lease.read(storage), "an ended run leaves nothing");
        Lease.take(storage, on("node8", ""), Duration.ofDays(1), true).close();
    }

    @Test
    void aDeadRunElsewhereIsSucceededAfterSomeSilence() throws IOException {
        Owner dead = on("node7", "");
        left(dead);
        try (Lease heir = Lease.take(storage, on("node8", ""), BEAT, true)) {
            heir.require();
            assertEquals("node8", Lease.read(storage).host());
        }
    }

    @Test
    void aDeadProcessOfThisMachineAndAnEarlierAttemptOfTheJobAreSucceededAtOnce() throws IOException {
        Owner me = Owner.self();
        // A beat of a day: whoever watched would never return.
        left(new Owner("t", me.host(), 4_000_000_000L, "2026-11-23T11:00:00Z", "ada", "", "2026-11-23T12:00:00Z", 9));
        Lease.take(storage, me, Duration.ofDays(1), true).close();
        // The same process number, used again.
        left(new Owner("t", me.host(), ProcessHandle.current().parent().orElseThrow().pid(), "2020-01-01T00:00:00Z", "ada", "", "2026-11-23T12:00:00Z", 9));
        Lease.take(storage, me, Duration.ofDays(1), true).close();
        left(new Owner("t", "node7", 1, "", "ada", "Slurm 17", "2026-11-23T12:00:00Z", 9));
        Owner again = new Owner("u", "node7", 2, "", "ada", "Slurm 17", "2026-11-23T12:30:00Z", 0);
        Lease.take(storage, again, Duration.ofDays(1), true).close();
    }

    @Test
    void aLivingProcessOfThisMachineIsRefused() throws IOException {
        ProcessHandle parent = ProcessHandle.current().parent().orElseThrow();
        left(new Owner("t", Owner.self().host(), parent.pid(), Owner.start(parent), "ada", "Slurm 17",
                "2026-11-23T12:00:00Z", 9));
        UserError e = assertThrows(UserError.class, () -> Lease.take(storage, Duration.ofDays(1), true));
        assertTrue(e.getMessage().contains("process " + parent.pid() + " of ada"), e.getMessage());
        assertTrue(e.getMessage().contains("(job Slurm 17)"), e.getMessage());
    }

    /** The wall clock may be set while a run of months goes on: another JVM must find the same start. */
    @Test
    void whenAProcessStartedIsToldByTheKernelsClock() throws IOException {
        Path stat = Path.of("/proc/self/stat");
        Assumptions.assumeTrue(Files.exists(stat), "no /proc/self/stat on this system");
        String[] fields = Files.readString(stat).replaceFirst(".*\\) ", "").split(" ");
        String start = Owner.start(ProcessHandle.current());
        assertTrue(start.endsWith(" + " + fields[19]), start);
        assertEquals(start, Owner.self().processStart());
        assertTrue(Owner.self().processStart().length() > 36, "with the boot's id");
    }

    /** A process that has ended but whose parent never asks for its status, as in a container without init. */
    @Test
    void anEndedProcessWithoutAReaperIsSucceeded() throws Exception {
        Process parent = new ProcessBuilder("sh", "-c", "sleep 0.2 & echo $!; exec sleep 60").start();
        try {
            long child = Long.parseLong(parent.inputReader().readLine());
            String start = Owner.start(ProcessHandle.of(child).orElseThrow());
            left(new Owner("t", Owner.self().host(), child, start, "ada", "", "2026-11-23T12:00:00Z", 9));
            Lease.take(storage, Duration.ofDays(1), true).close();
            assertTrue(parent.isAlive() && ProcessHandle.of(child).isPresent(), "the entry is gone: this showed nothing");
        } finally {
            parent.destroyForcibly();
        }
    }

    /** Where a file is replaced by a temporary one, a clean-up took its own owner's for another run's left-over. */
    @Test
    void theOwnerWritesNothingWhileItLooksForLeftOvers() throws Exception {
        try (Lease lease = Lease.take(storage, Owner.self(), Duration.ofDays(1), true)) {
            long before = Lease.read(storage).beat();
            Thread[] other = new Thread[1];
            long during = lease.betweenBeats(() -> {
                other[0] = new Thread(() -> {
                    try {
                        lease.require();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
                other[0].start();
                while (other[0].getState() != Thread.State.BLOCKED) {
                    Thread.onSpinWait();
                }
                return Lease.read(storage).beat();
            });
            assertEquals(before, during);
            other[0].join();
            assertEquals(before + 1, Lease.read(storage).beat());
        }
    }

    /** A run that was suspended while another took its place must not go on writing. */
    @Test
    void whoWasSucceededWritesNoMore() throws IOException {
        CheckpointStore store = new CheckpointStore(storage, RankGroup.single());
        store.cleanUp();
        assertEquals(1, Fixtures.save(store, 1).saves());
        left(on("node9", ""));
        assertEquals(1, Fixtures.save(store, 2).failures());
        assertEquals(1, store.newestComplete().orElseThrow().step());
        store.close();
        assertEquals("node9", Lease.read(storage).host(), "the file is the other's");
    }

    /** As on NFS, whose server keeps the lock of a machine that died: silence decides. */
    @Test
    void aLockThatOutlivesItsMachineIsNotWaitedFor() throws IOException {
        // Not even an earlier attempt of the same job is believed to be over.
        left(on("node7", "Slurm 17"));
        try (Lease heir = Lease.take(storage, on("node8", "Slurm 17"), BEAT, false)) {
            heir.require();
            UserError e = assertThrows(UserError.class, () -> Lease.take(storage, on("node9", "Slurm 17"), BEAT, false));
            assertTrue(e.getMessage().contains("on node8 (job Slurm 17)"), e.getMessage());
        }
        UserError e = assertThrows(UserError.class, () -> Lease.take(storage, on("node8", ""), BEAT, false));
        assertTrue(e.getMessage().contains("is locked by another process"), e.getMessage());
    }

    /** Ten thousand looks while it is written again and again: never absent, never half. */
    @Test
    void whoReadsWhileItIsWrittenFindsItWhole(@TempDir Path folder) throws Exception {
        LocalStorage disk = new LocalStorage(folder);
        byte[] small = Manifest.encode(on("n", ""));
        byte[] large = Manifest.encode(on("n".repeat(20_000), ""));
        disk.replace(Lease.FILE, small);
        AtomicBoolean done = new AtomicBoolean();
        Thread writer = new Thread(() -> {
            try {
                for (int i = 0; !done.get(); i++) {
                    disk.replace(Lease.FILE, i % 2 == 0 ? large : small);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        writer.start();
        try {
            for (int i = 0; i < 10_000; i++) {
                assertEquals("ada", Lease.read(disk).user(), "look " + i);
            }
        } finally {
            done.set(true);
            writer.join();
        }
        assertEquals(List.of(Lease.FILE), disk.children("").stream().map(Storage.Entry::name).toList());
    }

    @Test
    void aFileThatCannotBeReadIsWatchedToo() throws IOException {
        storage.makeFolder("");
        storage.write(Lease.FILE, "{".getBytes(StandardCharsets.UTF_8));
        Lease.take(storage, on("node8", ""), BEAT, true).close();
        assertNull(Lease.read(storage));
    }
}
