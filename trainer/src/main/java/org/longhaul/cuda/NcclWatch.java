package org.longhaul.cuda;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.longhaul.cli.Told;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.Nccl;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.parallel.RankList;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins NCCL groups and watches them: a thread asks for errors and for operations that do not end in time, tells the other ranks
 * through the rendezvous ({@link StallInquiry}), names the rank that is missing, and aborts the groups so that nothing hangs for ever.
 */
public final class NcclWatch implements MeshGroups.Factory, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NcclWatch.class);
    private static final long POLL_MILLIS = 500;
    /** NCCL ends a group only with all ranks of the machine; one of them may be the one that hangs. */
    private static final long END_SECONDS = 30;

    private final CudaBackend backend;
    private final int globalRank;
    private final NcclMeeting meeting;
    private final Duration joining;
    private final Duration timeout;
    private final StallInquiry inquiry;
    private final Arena arena;
    private final List<Watched> groups = new CopyOnWriteArrayList<>();
    private final Thread thread;
    private Nccl world;
    private volatile String failure;
    private volatile boolean closed;
    private boolean abandoned;

    private record Watched(NcclCommunicator communicator, List<Integer> members) {}

    /**
     * Starts watching.
     *
     * @param worldSize ranks of the job
     * @param joining how long ranks may take to form a group
     * @param timeout how long an operation may take before it counts as stuck
     */
    public NcclWatch(CudaBackend backend, int globalRank, int worldSize, Rendezvous.Client rendezvous, Duration joining, Duration timeout) {
        this.backend = backend;
        this.globalRank = globalRank;
        this.meeting = new NcclMeeting(rendezvous, joining, backend.settings().shared());
        this.joining = joining;
        this.timeout = timeout;
        this.inquiry = new StallInquiry(rendezvous, globalRank, worldSize);
        this.arena = backend.allocate("barrier token", Arena.ALIGNMENT);
        this.thread = new Thread(this::watch, "nccl-watch");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public Communicator create(String name, List<Integer> members) {
        return create(name, members, false);
    }

    @Override
    public Communicator divide(String name, int color, List<Integer> members) {
        return divide(name, color, members, false);
    }

    @Override
    public Communicator link(String name, int color, List<Integer> members) {
        return divide(name, color, members, true);
    }

    private Communicator create(String name, List<Integer> members, boolean link) {
        backend.bind();
        int rank = members.indexOf(globalRank);
        byte[] id = meeting.meet(name, members, rank, backend.hardware(), Nccl::uniqueId);
        Nccl nccl = join(name, members, () -> Nccl.join(id, members.size(), rank));
        if (world == null) {
            world = nccl;
        }
        return watched(name, members, rank, nccl, link);
    }

    // A part of the group of all ranks where NCCL divides groups, which saves the meeting of each; else a group of its own.
    private Communicator divide(String name, int color, List<Integer> members, boolean link) {
        if (!Nccl.splits() || "0".equals(System.getenv("LONGHAUL_NCCL_SPLIT"))) {
            return members.isEmpty() ? null : create(name, members, link);
        }
        backend.bind();
        int rank = members.indexOf(globalRank);
        Nccl nccl = join(name, members, () -> world.split(color, rank));
        return nccl == null ? null : watched(name, members, rank, nccl, link);
    }

    private Communicator watched(String name, List<Integer> members, int rank, Nccl nccl, boolean link) {
        NcclCommunicator communicator = new NcclCommunicator(name, rank, members.size(), backend, nccl, this);
        groups.add(new Watched(communicator, members));
        communicator.connect(link);
        return communicator;
    }

    // NCCL cannot be interrupted while ranks join: a thread of its own may wait for one that died, this one says who it is about.
    private Nccl join(String name, List<Integer> members, Callable<Nccl> how) {
        FutureTask<Nccl> join = new FutureTask<>(() -> {
            backend.device().makeCurrent();
            return how.call();
        });
        start("nccl-join", join);
        try {
            return join.get(joining.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw UserError.environment(name + ": rank " + globalRank + " waited " + joining.toSeconds() + " s for ranks " + RankList.text(members)
                    + " to join NCCL, though all of them had come this far: one has died since, or the network between their GPUs is closed; "
                    + "NCCL_DEBUG=INFO tells more", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment(name + ": interrupted while joining");
        }
    }

    private static void start(String name, Runnable work) {
        Thread helper = new Thread(work, name);
        helper.setDaemon(true);
        helper.start();
    }

    /** Whether no group has been given up. */
    public boolean sound() {
        return failure == null;
    }

    /** Why all groups were given up; null while all is well. */
    String failure() {
        return failure;
    }

    /** Whether this rank's device may still be busy with work that never ends, so that nothing may wait for it. */
    public boolean deviceLost() {
        return failure != null || abandoned;
    }

    /** One value to reduce in a barrier. */
    Tensor token() {
        return arena.tensor("barrier token", 0, DType.F32, 1);
    }

    /** Ends a group together with its other ranks; one that does not end in time is left to the end of the process. */
    void end(NcclCommunicator communicator, Runnable close) {
        groups.removeIf(g -> g.communicator == communicator);
        if (deviceLost()) {
            return;
        }
        FutureTask<Void> end = new FutureTask<>(() -> {
            backend.device().makeCurrent();
            close.run();
        }, null);
        start("nccl-end", end);
        try {
            end.get(END_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            abandoned = true;
            LOG.warn("{}: NCCL did not end the group within {} s; it is left to the end of the process", communicator.name(), END_SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** This rank cannot go on, for a reason of its own: tells the others and ends the work that it shares with them. */
    public void giveUp(String why) {
        String cause = "rank " + globalRank + " failed: " + why;
        inquiry.conclude(cause);
        fail(cause, false);
    }

    private void watch() {
        backend.device().makeCurrent();
        try {
            while (!closed && failure == null) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
                for (Watched group : groups) {
                    check(group);
                }
                inquiry.look(this::position).ifPresent(cause -> fail(cause, true));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            // A run without its watch would wait for a lost rank for ever.
            if (!closed) {
                fail("rank " + globalRank + ": watching NCCL failed: " + (e.getMessage() == null ? e : e.getMessage()), true);
            }
        }
    }

    private void check(Watched group) {
        NcclCommunicator c = group.communicator;
        String fault = c.fault();
        if (!fault.isEmpty()) {
            conclude(c.name() + ": rank " + globalRank + ": NCCL reports " + fault);
            return;
        }
        NcclCommunicator.Mark oldest = c.oldest();
        if (oldest != null && System.nanoTime() - oldest.sinceNanos() > timeout.toNanos()) {
            String what = c.name() + ": operation " + oldest.number() + ", " + oldest.operation() + ", on rank " + globalRank
                    + " did not end within " + timeout.toSeconds() + " s; ";
            conclude(what + inquiry.ask(what, c.name(), oldest.number(), group.members, position()));
        }
    }

    // How many operations of each of its groups this rank has enqueued.
    private Map<String, Long> position() {
        Map<String, Long> position = new HashMap<>();
        groups.forEach(g -> position.put(g.communicator.name(), g.communicator.operations()));
        return position;
    }

    private void conclude(String cause) {
        inquiry.conclude(cause);
        fail(cause, true);
    }

    // Each abort waits for the work of all groups on the device, so none may wait for another's end before it begins.
    private synchronized void fail(String cause, boolean tell) {
        if (failure != null) {
            return;
        }
        failure = cause;
        if (tell) {
            // Now and not by the exception alone: the thread that works may hang, or be ended, before it can speak. Where the launcher looks for the cause.
            Told.tell(cause);
        }
        for (Watched group : new ArrayList<>(groups)) {
            start("nccl-abort", () -> {
                backend.device().makeCurrent();
                group.communicator.abort();
            });
        }
        start("nccl-last-resort", () -> {
            try {
                TimeUnit.SECONDS.sleep(END_SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            Told.tell(cause);
            LOG.warn("rank {} is ended: its device did not let go within {} s", globalRank, END_SECONDS);
            CudaDevice.exitProcess(ExitCode.ENVIRONMENT.status());
        });
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!deviceLost()) {
            arena.close();
        }
    }
}
