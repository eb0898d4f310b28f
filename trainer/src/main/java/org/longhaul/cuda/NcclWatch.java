package org.longhaul.cuda;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.longhaul.error.UserError;
import org.longhaul.natives.Nccl;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins NCCL groups and watches them: a thread asks for errors and for operations that do not end in time, tells the other ranks
 * through the rendezvous, names the rank that is missing, and aborts the groups so that nothing hangs for ever.
 */
public final class NcclWatch implements MeshGroups.Factory, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NcclWatch.class);
    private static final long POLL_MILLIS = 500;
    private static final Duration ANSWER = Duration.ofSeconds(10);

    private final CudaBackend backend;
    private final int globalRank;
    private final Rendezvous.Client rendezvous;
    private final Duration joining;
    private final Duration timeout;
    private final Arena arena;
    private final List<Watched> groups = new CopyOnWriteArrayList<>();
    private final Thread thread;
    private volatile String failure;
    private volatile boolean closed;

    private record Watched(NcclCommunicator communicator, List<Integer> members) {}

    /**
     * Starts watching.
     *
     * @param joining how long ranks may take to form a group
     * @param timeout how long an operation may take before it counts as stuck
     */
    public NcclWatch(CudaBackend backend, int globalRank, Rendezvous.Client rendezvous, Duration joining, Duration timeout) {
        this.backend = backend;
        this.globalRank = globalRank;
        this.rendezvous = rendezvous;
        this.joining = joining;
        this.timeout = timeout;
        this.arena = backend.allocate("barrier token", Arena.ALIGNMENT);
        this.thread = new Thread(this::watch, "nccl-watch");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public Communicator create(String name, List<Integer> members) {
        backend.bind();
        int rank = members.indexOf(globalRank);
        String key = "nccl/" + name;
        // NCCL waits without end for a rank that never comes: all must be here before any of them joins.
        rendezvous.put(key + "/here/" + rank, new byte[0]);
        for (int r = 0; r < members.size(); r++) {
            rendezvous.get(key + "/here/" + r);
        }
        if (rank == 0) {
            rendezvous.put(key, Nccl.uniqueId());
        }
        Nccl nccl = join(name, rendezvous.get(key), members, rank);
        NcclCommunicator communicator = new NcclCommunicator(name, rank, members.size(), backend, nccl, this);
        groups.add(new Watched(communicator, members));
        return communicator;
    }

    // NCCL cannot be interrupted while ranks join: a thread of its own may wait for one that died, this one says who it is about.
    private Nccl join(String name, byte[] id, List<Integer> members, int rank) {
        FutureTask<Nccl> join = new FutureTask<>(() -> {
            backend.device().makeCurrent();
            return Nccl.join(id, members.size(), rank);
        });
        Thread joiner = new Thread(join, "nccl-join");
        joiner.setDaemon(true);
        joiner.start();
        try {
            return join.get(joining.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw UserError.environment(name + ": rank " + globalRank + " waited " + joining.toSeconds() + " s for ranks " + members
                    + " to join NCCL, though all of them had come this far: one has died since, or the network between their GPUs is closed; "
                    + "NCCL_DEBUG=INFO tells more", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment(name + ": interrupted while joining");
        }
    }

    /** Whether no group has been given up. */
    public boolean sound() {
        return failure == null;
    }

    /** Why all groups were given up; null while all is well. */
    String failure() {
        return failure;
    }

    /** One value to reduce in a barrier. */
    Tensor token() {
        return arena.tensor("barrier token", 0, DType.F32, 1);
    }

    void remove(NcclCommunicator communicator) {
        groups.removeIf(g -> g.communicator == communicator);
    }

    private void watch() {
        backend.device().makeCurrent();
        try {
            while (!closed && failure == null) {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
                for (Watched group : groups) {
                    check(group);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            if (!closed) {
                fail("rank " + globalRank + ": watching NCCL failed: " + e.getMessage());
            }
        }
    }

    private void check(Watched group) {
        NcclCommunicator c = group.communicator;
        String fault = c.fault();
        if (!fault.isEmpty()) {
            fail(c.name() + ": rank " + globalRank + ": NCCL reports " + fault);
            return;
        }
        NcclCommunicator.Mark oldest = c.oldest();
        if (oldest != null && System.nanoTime() - oldest.enqueuedNanos() > timeout.toNanos()) {
            fail(c.name() + ": operation " + oldest.number() + ", " + oldest.operation() + ", on rank " + globalRank
                    + " did not end within " + timeout.toSeconds() + " s; " + missing(group, oldest.number()));
        }
    }

    // Each rank says how far it is; whoever has not reached the operation, or says nothing, is the one waited for.
    private String missing(Watched group, long number) {
        String key = "stuck/" + group.communicator.name() + "/" + number + "/";
        Rendezvous.Client quick = rendezvous.within(ANSWER);
        try {
            quick.put(key + globalRank, "here".getBytes(StandardCharsets.UTF_8));
            return missing(group, key, quick);
        } catch (UserError e) {
            return "and who is missing cannot be asked: " + e.getMessage();
        }
    }

    private String missing(Watched group, String key, Rendezvous.Client quick) {
        StringBuilder absent = new StringBuilder();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        for (int member : group.members) {
            Duration left = Duration.ofNanos(Math.max(TimeUnit.MILLISECONDS.toNanos(200), deadline - System.nanoTime()));
            if (member != globalRank && quick.find(key + member, left).isEmpty()) {
                absent.append(absent.isEmpty() ? "" : ", ").append(member);
            }
        }
        return absent.isEmpty()
                ? "all ranks have reached it: the network or a GPU is stuck"
                : "rank(s) " + absent + " have not reached it";
    }

    private void fail(String cause) {
        if (failure == null) {
            failure = cause;
            LOG.error("{}", cause);
            groups.forEach(g -> g.communicator.abort());
        }
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
        arena.close();
    }
}
