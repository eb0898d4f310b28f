package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.longhaul.error.UserError;
import org.longhaul.launch.HostName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run's claim on a root, also where there are no locks (object stores, HDFS, some network file systems): a small file that names the owner and
 * that it writes anew again and again. Who finds another's watches whether it still changes, by its own clock alone; who was alive on this machine or
 * is an earlier attempt of the same job need not be watched.
 */
final class Lease implements AutoCloseable {
    static final String FILE = ".owner";
    static final Duration BEAT = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(Lease.class);
    private static final int BEATS_WATCHED = 3;
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final int START_TICKS = 19;
    private static final int ENDING_TRIES = 50;
    private static final Set<String> OURS = ConcurrentHashMap.newKeySet();

    private final Storage storage;
    private final ScheduledExecutorService pulse;
    private Owner owner;
    private volatile String lostTo = "";

    /**
     * What the file says.
     *
     * @param token of the process that wrote it
     * @param processStart when it started, since process numbers are used again: the boot's id and clock ticks since, else ISO 8601
     * @param job Slurm's number of the job, empty without Slurm
     * @param beat how often it was written
     */
    record Owner(String token, String host, long process, String processStart, String user, String job, String since, long beat) {
        static Owner self() {
            ProcessHandle me = ProcessHandle.current();
            return new Owner(UUID.randomUUID().toString(), HostName.here(), me.pid(), start(me), System.getProperty("user.name", "?"), job(System.getenv()),
                    Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(), 0);
        }

        // Not the wall-clock time that a JVM tells where there is another: it moves when the clock is set, and a living run would be taken for dead.
        static String start(ProcessHandle process) {
            try {
                return Files.readString(BOOT).strip() + " + " + status(process.pid())[START_TICKS];
            } catch (IOException | RuntimeException noSuchEntry) {
                return process.info().startInstant().map(Instant::toString).orElse("");
            }
        }

        // Only where starting a job again means that its last attempt is over; other names may be given twice by mistake.
        private static String job(Map<String, String> env) {
            String slurm = env.getOrDefault("SLURM_JOB_ID", "");
            return slurm.isEmpty() ? "" : "Slurm " + slurm;
        }

        Owner next() {
            return new Owner(token, host, process, processStart, user, job, since, beat + 1);
        }

        /** Whether the writer runs on this machine now. */
        boolean alive() {
            if (process == ProcessHandle.current().pid()) {
                return OURS.contains(token);
            }
            return !ended(process) && ProcessHandle.of(process).filter(ProcessHandle::isAlive).map(p -> start(p).equals(processStart)).orElse(false);
        }

        // An ended process whose parent has not asked for its status still has an entry, for ever where a container has no init.
        private static boolean ended(long process) {
            try {
                String state = status(process)[0];
                return state.equals("Z") || state.equals("X");
            } catch (IOException | RuntimeException noSuchEntry) {
                return false;
            }
        }

        // The fields behind the process's name, which may hold anything.
        private static String[] status(long process) throws IOException {
            String line = Files.readString(Path.of("/proc/" + process + "/stat"), StandardCharsets.ISO_8859_1);
            return line.substring(line.lastIndexOf(')') + 2).strip().split(" ");
        }

        @Override
        public String toString() {
            return "process " + process + " of " + user + " on " + host + (job.isEmpty() ? "" : " (job " + job + ")") + ", since " + since;
        }
    }

    private Lease(Storage storage, Owner owner) {
        this.storage = storage;
        this.owner = owner;
        this.pulse = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread t = new Thread(task, "checkpoint-owner");
            t.setDaemon(true);
            return t;
        });
    }

    /** Claims the root. Throws UserError naming the owner when another run is alive. */
    static Lease take(Storage storage, Duration beat, boolean locked) throws IOException {
        return take(storage, Owner.self(), beat, locked);
    }

    /**
     * Without the lock another process may be alive; or it died with its machine, whose locks an NFS server keeps for a minute and a half (version 4) or until
     * that machine is back (version 3). So whoever has it is watched, and succeeded when silent.
     */
    static Lease take(Storage storage, Owner self, Duration beat, boolean locked) throws IOException {
        Owner found = read(storage);
        if (!locked && found == null) {
            throw UserError.environment(storage.root() + " is locked by another process, which has not said who it is; if it began just now, this start may "
                    + "be a second one: stop one of the two or name another output");
        }
        if (found != null && found.host().equals(self.host())) {
            // A run that was killed may take a moment to be gone, and its successor must not be turned away for that.
            for (int i = 0; found.alive(); i++) {
                if (i == ENDING_TRIES) {
                    throw refused(storage, found);
                }
                LockSupport.parkNanos(100_000_000);
            }
        }
        if (!locked) {
            watch(storage, found, beat);
            LOG.warn("{}: another process still has the lock, but {} was silent: going on without it", storage.root(), found);
        } else if (found != null && !found.host().equals(self.host()) && (self.job().isEmpty() || !found.job().equals(self.job()))) {
            watch(storage, found, beat);
        }
        storage.makeFolder("");
        Lease lease = new Lease(storage, self);
        OURS.add(self.token());
        lease.write();
        // Of two that come at once the one that writes later wins.
        if (found != null && !found.host().equals(self.host())) {
            LockSupport.parkNanos(beat.toNanos() / 5);
        }
        lease.beat();
        if (!lease.lostTo.isEmpty()) {
            OURS.remove(self.token());
            throw UserError.environment(storage.root() + " is being written by another run, " + lease.lostTo + "; stop that one or name another output");
        }
        lease.pulse.scheduleAtFixedRate(lease::beat, beat.toMillis(), beat.toMillis(), TimeUnit.MILLISECONDS);
        return lease;
    }

    private static void watch(Storage storage, Owner found, Duration beat) throws IOException {
        LOG.info("{} was last written by {}: watching for {} s whether it still runs", storage.root(), found, BEATS_WATCHED * beat.toMillis() / 1000.0);
        for (int i = 0; i < 2 * BEATS_WATCHED; i++) {
            LockSupport.parkNanos(beat.toNanos() / 2);
            Owner now = read(storage);
            if (now == null) {
                return;
            }
            if (now.beat() != found.beat() || !now.token().equals(found.token())) {
                throw refused(storage, now);
            }
        }
    }

    private static UserError refused(Storage storage, Owner owner) {
        return UserError.environment(storage.root() + " is being written by another run, " + owner + "; stop that one or name another output");
    }

    /** Who holds a root, null for nobody. */
    static Owner read(Storage storage) throws IOException {
        if (storage.length(FILE) < 0) {
            return null;
        }
        try {
            return Manifest.decode(storage.read(FILE), Owner.class, storage.root() + "/" + FILE);
        } catch (CorruptCheckpointException halfWritten) {
            if (storage.length(FILE) < 0) {
                // Given up between the two looks.
                return null;
            }
            return new Owner("", "?", 0, "", "?", "", "an unknown time", -1);
        }
    }

    /** Throws when another run has taken the root over, as it may when this process was stopped for a while. */
    void require() throws IOException {
        beat();
        if (!lostTo.isEmpty()) {
            throw new IOException("it was taken over by " + lostTo + " while this run stood still; stop one of the two");
        }
    }

    /** Looks at the root while this owner writes nothing: what is half-written then is not its own. */
    synchronized <T> T betweenBeats(Look<T> look) throws IOException {
        return look.at();
    }

    /** A look at a storage. */
    interface Look<T> {
        T at() throws IOException;
    }

    private synchronized void beat() {
        if (!lostTo.isEmpty()) {
            return;
        }
        try {
            Owner now = read(storage);
            if (now != null && !now.token().isEmpty() && !now.token().equals(owner.token())) {
                lostTo = now.toString();
                return;
            }
            write();
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            // A store that is down shows nobody that we are silent; and what is thrown out of here would end the beats for good.
            LOG.debug("{}/{} not renewed", storage.root(), FILE, e);
        }
    }

    private synchronized void write() throws IOException {
        owner = owner.next();
        storage.replace(FILE, new String(Manifest.encode(owner), StandardCharsets.UTF_8).concat("\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Gives the root free. */
    @Override
    public void close() {
        pulse.shutdownNow();
        synchronized (this) {
            OURS.remove(owner.token());
            try {
                Owner now = read(storage);
                if (now != null && now.token().equals(owner.token())) {
                    storage.delete(FILE);
                }
            } catch (IOException | RuntimeException e) {
                LOG.debug("{}/{} stays", storage.root(), FILE, e);
            }
        }
    }
}
