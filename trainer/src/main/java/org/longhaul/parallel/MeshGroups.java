package org.longhaul.parallel;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
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

    private MeshGroups(Mesh mesh, int rank, Factory factory) {
        this.mesh = mesh;
        this.rank = rank;
        this.world = create(factory, "world", all(mesh.size()));
        this.tensor = create(factory, "tensor " + mesh.pipelineOf(rank) + "." + mesh.dataOf(rank), mesh.tensorGroup(rank));
        this.data = create(factory, "data " + mesh.pipelineOf(rank) + "." + mesh.tensorOf(rank), mesh.dataGroup(rank));
        this.links = mesh.pipeline() == 1 ? Optional.empty() : Optional.of(links(factory));
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

    /** This process among others on CPUs, over sockets. {@code rendezvous} must be served already. */
    public static MeshGroups sockets(Mesh mesh, RankEnvironment self, Backend backend, Duration joining, Duration timeout) {
        Rendezvous.Client client = new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), joining);
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
        this.world = change.apply(other.world);
        this.tensor = change.apply(other.tensor);
        this.data = change.apply(other.data);
        this.links = other.links.map(l -> new Links(
                change.apply(l.forwardIn), change.apply(l.forwardOut), change.apply(l.backwardIn), change.apply(l.backwardOut)));
    }

    /** The same with every group changed, for instance to be watched; closing one closes the other. */
    public MeshGroups mapped(UnaryOperator<Communicator> change) {
        return new MeshGroups(this, change);
    }

    /** Makes a rank's end of a group; called by all members in the same order of groups. */
    public interface Factory {
        /** The calling rank's end of the group of these global ranks, in this order. */
        Communicator create(String name, List<Integer> members);
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

    @Override
    public void close() {
        links.ifPresent(l -> List.of(l.forwardIn, l.forwardOut, l.backwardIn, l.backwardOut).forEach(Communicator::close));
        data.close();
        tensor.close();
        world.close();
    }

    // All members of a ring meet link by link in ring order; a rank is on two links of each direction.
    private Links links(Factory factory) {
        int stages = mesh.pipeline();
        List<Integer> ring = mesh.pipelineGroup(rank);
        int mine = mesh.pipelineOf(rank);
        Map<String, Communicator> made = new HashMap<>();
        for (int s = 0; s < stages; s++) {
            int next = (s + 1) % stages;
            if (s != mine && next != mine) {
                continue;
            }
            String suffix = " " + s + ">" + next + " of " + mesh.dataOf(rank) + "." + mesh.tensorOf(rank);
            String forward = "forward" + suffix;
            String backward = "backward" + suffix;
            Communicator f = factory.create(forward, List.of(ring.get(s), ring.get(next)));
            Communicator b = factory.create(backward, List.of(ring.get(next), ring.get(s)));
            if (s == mine) {
                made.put("forwardOut", f);
                made.put("backwardIn", b);
            }
            if (next == mine) {
                made.put("forwardIn", f);
                made.put("backwardOut", b);
            }
        }
        return new Links(made.get("forwardIn"), made.get("forwardOut"), made.get("backwardIn"), made.get("backwardOut"));
    }

    private static Communicator create(Factory factory, String name, List<Integer> members) {
        return members.size() == 1 ? Communicator.single(name) : factory.create(name, members);
    }

    private static List<Integer> all(int size) {
        List<Integer> ranks = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            ranks.add(r);
        }
        return ranks;
    }
}
