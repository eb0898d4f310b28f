package org.longhaul.parallel;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.tensor.Backend;

/**
 * One rank's communicators: all ranks, those of its layers (tensor), those of its parameters (data), and the links to its
 * pipeline neighbours. Each link and direction has a communicator of its own, so that messages of one never wait behind
 * those of another and order on a link is the schedule's order.
 */
public final class MeshGroups implements AutoCloseable {
    private final Mesh mesh;
    private final int rank;
    private final Communicator world;
    private final Communicator tensor;
    private final Communicator data;
    private final Optional<Links> links;
    private final List<Communicator> made = new ArrayList<>();

    private MeshGroups(Mesh mesh, int rank, Factory factory) {
        this.mesh = mesh;
        this.rank = rank;
        this.world = mesh.size() == 1 ? Communicator.single("world") : factory.create("world", all(mesh.size()));
        made.add(world);
        int pipeline = mesh.pipelineOf(rank);
        this.tensor = part(factory, "tensor " + pipeline + "." + mesh.dataOf(rank), pipeline * mesh.data() + mesh.dataOf(rank), mesh.tensorGroup(rank));
        this.data = part(factory, "data " + pipeline + "." + mesh.tensorOf(rank), pipeline * mesh.tensor() + mesh.tensorOf(rank), mesh.dataGroup(rank));
        this.links = mesh.pipeline() == 1 ? Optional.empty() : Optional.of(links(factory));
    }

    private Communicator part(Factory factory, String name, int color, List<Integer> members) {
        Communicator part = members.size() == 1 ? Communicator.single(name) : factory.divide(name, color, members);
        made.add(part);
        return part;
    }

    /** The four ends of a rank's pipeline links; in each group of two the sender is member 0, the receiver member 1. */
    public record Links(Communicator forwardIn, Communicator forwardOut, Communicator backwardIn, Communicator backwardOut) {}

    /** One process. */
    public static MeshGroups single() {
        return new MeshGroups(Mesh.single(), 0, (name, ranks) -> Communicator.single(name));
    }

    /** All ranks as threads of this process; element r is for rank r, used with backend r. */
    public static List<MeshGroups> inProcess(Mesh mesh, List<? extends Backend> backends, Duration timeout) {
        Map<String, List<Communicator>> groups = new HashMap<>();
        List<MeshGroups> ranks = new ArrayList<>();
        for (int r = 0; r < mesh.size(); r++) {
            int rank = r;
            ranks.add(new MeshGroups(mesh, rank, (name, members) -> groups.computeIfAbsent(name, n -> HostCommunicator.inProcess(n,
                    members.stream().map(backends::get).toList(), timeout)).get(members.indexOf(rank))));
        }
        return List.copyOf(ranks);
    }

    /** This process among others on CPUs, over sockets. The store must be served already. */
    public static MeshGroups sockets(Mesh mesh, RankEnvironment self, Backend backend, Rendezvous.Client client, Duration joining, Duration timeout) {
        return new MeshGroups(mesh, self.rank(), (name, members) -> new HostCommunicator(
                SocketExchange.join(name, members.indexOf(self.rank()), members.size(), client, joining).withTimeout(timeout), backend));
    }

    /** With communicators of the caller's making, for instance NCCL's. */
    public static MeshGroups of(Mesh mesh, int rank, Factory factory) {
        return new MeshGroups(mesh, rank, factory);
    }

    private MeshGroups(MeshGroups other, UnaryOperator<Communicator> change) {
        this.mesh = other.mesh;
        this.rank = other.rank;
        Map<Communicator, Communicator> changed = new IdentityHashMap<>();
        UnaryOperator<Communicator> once = c -> changed.computeIfAbsent(c, change);
        other.made.forEach(c -> made.add(once.apply(c)));
        this.world = once.apply(other.world);
        this.tensor = once.apply(other.tensor);
        this.data = once.apply(other.data);
        this.links = other.links.map(l -> new Links(
                once.apply(l.forwardIn), once.apply(l.forwardOut), once.apply(l.backwardIn), once.apply(l.backwardOut)));
    }

    /** The same with every group changed, for instance to be watched; closing one closes the other. */
    public MeshGroups mapped(UnaryOperator<Communicator> change) {
        return new MeshGroups(this, change);
    }

    /** Makes a rank's end of a group; called by all members in the same order of groups. */
    public interface Factory {
        /** The calling rank's end of the group of these global ranks, in this order. */
        Communicator create(String name, List<Integer> members);

        /**
         * The same, called by all ranks of the job at once: those of a color make one group. A rank that is in none names no members and a
         * negative color, and gets null.
         */
        default Communicator divide(String name, int color, List<Integer> members) {
            return members.isEmpty() ? null : create(name, members);
        }

        /** The same for two ranks of which the first will only send to the second. */
        default Communicator link(String name, int color, List<Integer> members) {
            return divide(name, color, members);
        }
    }

    /** The layout. */
    public Mesh mesh() {
        return mesh;
    }

    /** This process among all. */
    public int rank() {
        return rank;
    }

    /** This rank's pipeline stage. */
    public int stage() {
        return mesh.pipelineOf(rank);
    }

    /** All ranks. */
    public Communicator world() {
        return world;
    }

    /** The ranks that share this rank's layers and samples. */
    public Communicator tensor() {
        return tensor;
    }

    /** The ranks that hold the same parameters. */
    public Communicator data() {
        return data;
    }

    /** The links to the neighbouring stages; empty without pipeline parallelism. */
    public Optional<Links> links() {
        return links;
    }

    /** Ends all groups at once for a reason, so that no other rank waits for this one; ranks on CPUs only. */
    public void abort(String cause) {
        List<Communicator> all = new ArrayList<>(List.of(world, tensor, data));
        links.ifPresent(l -> all.addAll(List.of(l.forwardIn, l.forwardOut, l.backwardIn, l.backwardOut)));
        for (Communicator c : all) {
            if (c instanceof HostCommunicator host) {
                host.abort(cause);
            }
        }
    }

    /** Ends the groups; the last one first, on all ranks alike, because the end of a group may wait for its other ranks. */
    @Override
    public void close() {
        for (int i = made.size() - 1; i >= 0; i--) {
            made.get(i).close();
        }
    }

    // In rounds in which every rank is on one link at most: every other link of the ring, the rest, and the last one of an odd ring. The way
    // from the last stage to the first is for interleaved stages only.
    private Links links(Factory factory) {
        int stages = mesh.pipeline();
        List<Integer> ring = mesh.pipelineGroup(rank);
        int mine = mesh.pipelineOf(rank);
        Map<String, Communicator> ends = new HashMap<>();
        for (int round = 0; round < 3; round++) {
            int link = linkOf(mine, round);
            boolean any = false;
            for (int stage = 0; stage < stages; stage++) {
                any |= linkOf(stage, round) >= 0;
            }
            if (!any) {
                continue;
            }
            int next = (link + 1) % stages;
            List<Integer> there = link < 0 ? List.of() : List.of(ring.get(link), ring.get(next));
            List<Integer> back = link < 0 ? List.of() : List.of(ring.get(next), ring.get(link));
            int color = link < 0 ? -1 : (mesh.dataOf(rank) * mesh.tensor() + mesh.tensorOf(rank)) * stages + link;
            String suffix = " " + link + ">" + next + " of " + mesh.dataOf(rank) + "." + mesh.tensorOf(rank);
            Communicator forward = factory.link("forward" + suffix, color, there);
            Communicator backward = factory.link("backward" + suffix, color, back);
            if (link >= 0) {
                made.add(forward);
                made.add(backward);
                ends.put(link == mine ? "forwardOut" : "forwardIn", forward);
                ends.put(link == mine ? "backwardIn" : "backwardOut", backward);
            }
        }
        return new Links(end(ends, "forwardIn"), end(ends, "forwardOut"), end(ends, "backwardIn"), end(ends, "backwardOut"));
    }

    // The link of the ring that a stage is on in a round, named by its first stage; -1 for none.
    private int linkOf(int stage, int round) {
        int stages = mesh.pipeline();
        for (int link : new int[] {stage, (stage + stages - 1) % stages}) {
            boolean used = link < stages - 1 || mesh.virtualStages() > 1;
            boolean odd = stages % 2 == 1 && link == stages - 1;
            if (used && (odd ? 2 : link % 2) == round) {
                return link;
            }
        }
        return -1;
    }

    private static Communicator end(Map<String, Communicator> ends, String name) {
        Communicator end = ends.get(name);
        return end == null ? Communicator.single(name) : end;
    }

    private static List<Integer> all(int size) {
        List<Integer> ranks = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            ranks.add(r);
        }
        return ranks;
    }
}
