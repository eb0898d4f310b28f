package org.longhaul.launch;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.longhaul.error.UserError;

/**
 * Who this process is in its job, from the environment that {@code longhaul launch}, torchrun or Slurm's {@code srun} sets.
 *
 * @param rank this process among all, from 0
 * @param worldSize number of processes
 * @param localRank this process among those of its node; the GPU it uses
 * @param localWorldSize processes of this node
 * @param masterHost where the rendezvous is served
 * @param masterPort and its port
 * @param token what tells this attempt's ranks from others'
 * @param servesRendezvous whether this process itself serves it (rank 0 without a launcher)
 * @param attempt how often the job was started before
 */
public record RankEnvironment(
        int rank, int worldSize, int localRank, int localWorldSize, String masterHost, int masterPort, String token,
        boolean servesRendezvous, int attempt) {
    private static final int FIRST_PORT = 20000;
    private static final int PORTS = 10000;
    private static final Pattern TASKS = Pattern.compile("(\\d+)(?:\\(x(\\d+)\\))?");

    /** Checks the numbers. */
    public RankEnvironment {
        if (worldSize < 1 || rank < 0 || rank >= worldSize || localRank < 0 || localRank >= localWorldSize) {
            throw UserError.badInput("the environment says rank " + rank + " of " + worldSize + ", local rank " + localRank + " of "
                    + localWorldSize + ": ranks must be below their counts; check RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE "
                    + "or the SLURM_ variables");
        }
    }

    /** One process on its own. */
    public static RankEnvironment alone() {
        return new RankEnvironment(0, 1, 0, 1, "127.0.0.1", 0, "alone", false, 0);
    }

    /** Reads the environment; torchrun's names win over Slurm's, and neither means one process. */
    public static RankEnvironment detect(Map<String, String> env) {
        if (env.containsKey("RANK") && env.containsKey("WORLD_SIZE")) {
            int rank = number(env, "RANK");
            int world = number(env, "WORLD_SIZE");
            boolean launched = launched(env);
            return new RankEnvironment(rank, world, number(env, "LOCAL_RANK", rank), number(env, "LOCAL_WORLD_SIZE", world),
                    required(env, "MASTER_ADDR", world), world == 1 ? number(env, "MASTER_PORT", 0) : number(env, "MASTER_PORT"),
                    token(env), rank == 0 && !launched, attempt(env));
        }
        // A single interactive srun step without GPUs to share still counts as a job of its size.
        if (env.containsKey("SLURM_PROCID") && env.containsKey("SLURM_NTASKS") && env.containsKey("SLURM_STEP_ID")) {
            int rank = number(env, "SLURM_PROCID");
            int world = number(env, "SLURM_NTASKS");
            int nodes = number(env, "SLURM_NNODES", 1);
            String host = env.getOrDefault("MASTER_ADDR", firstHost(
                    env.containsKey("SLURM_STEP_NODELIST") ? env.get("SLURM_STEP_NODELIST") : required(env, "SLURM_JOB_NODELIST", world)));
            int port = env.containsKey("MASTER_PORT") ? number(env, "MASTER_PORT") : port(number(env, "SLURM_JOB_ID"));
            int perNode = (world + nodes - 1) / nodes;
            if (env.containsKey("SLURM_STEP_TASKS_PER_NODE") && env.containsKey("SLURM_NODEID")) {
                perNode = tasksOf(number(env, "SLURM_NODEID"), env.get("SLURM_STEP_TASKS_PER_NODE"));
            }
            int local = number(env, "SLURM_LOCALID", 0);
            return new RankEnvironment(
                    rank, world, local, Math.max(perNode, local + 1), host, port, token(env), rank == 0, attempt(env));
        }
        return alone();
    }

    /** The port of a Slurm job where none is named. */
    static int port(int job) {
        return FIRST_PORT + job % PORTS;
    }

    /** The tasks of a node by Slurm's list of them, such as {@code 8(x3),4}: srun -n 4 on two nodes of four cores starts three and one. */
    static int tasksOf(int node, String perNode) {
        int first = 0;
        for (String part : perNode.split(",")) {
            Matcher m = TASKS.matcher(part.strip());
            if (!m.matches()) {
                throw UserError.badInput("SLURM_STEP_TASKS_PER_NODE in the environment cannot be read: '" + perNode + "'");
            }
            first += m.group(2) == null ? 1 : Integer.parseInt(m.group(2));
            if (node < first) {
                return Integer.parseInt(m.group(1));
            }
        }
        throw UserError.badInput("SLURM_NODEID in the environment is " + node + ", and SLURM_STEP_TASKS_PER_NODE has " + first + " nodes: " + perNode);
    }

    /** The first host of a Slurm node list such as {@code gpu[003-006,9],login1}. */
    static String firstHost(String nodeList) {
        int bracket = nodeList.indexOf('[');
        int comma = nodeList.indexOf(',');
        if (bracket < 0 || comma >= 0 && comma < bracket) {
            return comma < 0 ? nodeList : nodeList.substring(0, comma);
        }
        String inside = nodeList.substring(bracket + 1, nodeList.indexOf(']', bracket));
        String suffix = nodeList.substring(nodeList.indexOf(']', bracket) + 1);
        int end = suffix.indexOf(',');
        return nodeList.substring(0, bracket) + inside.split("[-,]")[0] + (end < 0 ? suffix : suffix.substring(0, end));
    }

    /**
     * The GPU of this process among those that it sees: its local rank, or the only one where the scheduler shows each process its own (srun
     * --gpus-per-task=1). {@code longhaul launch} shows all its ranks the same ones, and with --share-gpus they take them in turn. A UserError
     * where a launcher started more ranks than there are GPUs: wrong input (exit 2) in a job's first start, where it has never been otherwise and no other
     * attempt can help; the machine's fault (exit 3) in a later one, where a GPU is gone and another node may do.
     *
     * @param visible how many this process sees, at least 1
     */
    public int device(Map<String, String> env, int visible) {
        if (SharedGpus.on(env)) {
            return localRank % visible;
        }
        boolean launched = launched(env);
        if (launched && localWorldSize > visible) {
            String misfit = "--nproc " + localWorldSize + " on a node whose processes see " + (visible == 1 ? "one GPU" : visible + " GPUs")
                    + " (" + HostName.here() + ", CUDA_VISIBLE_DEVICES=" + env.get("CUDA_VISIBLE_DEVICES") + "): ";
            if (attempt > 0 || number(env, "SLURM_RESTART_COUNT", 0) > 0) {
                throw UserError.environment(misfit + "this job has started before, so a GPU may be gone; see nvidia-smi there, and drain the node");
            }
            throw UserError.badInput(misfit + "start one rank for each GPU, or try the layout here with "
                    + "longhaul launch --share-gpus, where ranks take turns on a GPU: slow, the same results");
        }
        String shown = env.get("CUDA_VISIBLE_DEVICES");
        boolean own = shown != null && !shown.isBlank() && !shown.contains(",");
        return !launched && (own || visible == 1) ? 0 : localRank;
    }

    /** The same in a job that is known to have started before, though nothing counts its starts, such as pods that are replaced. */
    public RankEnvironment startedBefore() {
        return new RankEnvironment(rank, worldSize, localRank, localWorldSize, masterHost, masterPort, token, servesRendezvous, Math.max(1, attempt));
    }

    /** The ranks of this node that compute on the same GPU as this one, this one among them, by their numbers in the job. */
    public List<Integer> neighbours(Map<String, String> env, int visible) {
        if (!SharedGpus.on(env)) {
            return List.of(rank);
        }
        return IntStream.range(0, localWorldSize).filter(l -> l % visible == localRank % visible).mapToObj(l -> rank - localRank + l).toList();
    }

    /** Whether {@code longhaul launch} started this process, and serves the rendezvous for it. */
    public static boolean launched(Map<String, String> env) {
        return "launcher".equals(env.get("LONGHAUL_RENDEZVOUS"));
    }

    private static String token(Map<String, String> env) {
        String job = Optional.ofNullable(env.get("LONGHAUL_JOB_TOKEN"))
                .or(() -> Optional.ofNullable(env.get("TORCHELASTIC_RUN_ID")))
                .or(() -> Optional.ofNullable(env.get("SLURM_JOB_ID")))
                .orElse("longhaul");
        return job + "/" + attempt(env);
    }

    private static int attempt(Map<String, String> env) {
        return number(env, "LONGHAUL_ATTEMPT", number(env, "SLURM_RESTART_COUNT", 0));
    }

    private static String required(Map<String, String> env, String name, int world) {
        String value = env.get(name);
        if (value == null) {
            if (world == 1) {
                return "127.0.0.1";
            }
            throw UserError.badInput("a job of " + world + " processes needs " + name
                    + " in the environment: the host of rank 0; 'longhaul launch' sets it");
        }
        return value;
    }

    private static int number(Map<String, String> env, String name) {
        String value = env.get(name);
        if (value == null) {
            throw UserError.badInput(name + " is missing from the environment; 'longhaul launch' sets it");
        }
        try {
            return Integer.parseInt(value.strip());
        } catch (NumberFormatException e) {
            throw UserError.badInput(name + " in the environment is no number: '" + value + "'");
        }
    }

    private static int number(Map<String, String> env, String name, int otherwise) {
        return env.containsKey(name) ? number(env, name) : otherwise;
    }
}
