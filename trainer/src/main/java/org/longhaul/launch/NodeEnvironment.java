package org.longhaul.launch;

import java.util.Map;
import java.util.Optional;
import org.longhaul.error.UserError;

/**
 * Which node this launcher is, from the environment: {@code NNODES}, {@code NODE_RANK}, {@code MASTER_ADDR} and {@code MASTER_PORT} (torchrun's
 * {@code PET_} spellings too; an indexed Kubernetes Job's {@code JOB_COMPLETION_INDEX} stands for the node's rank), else Slurm's step of one task a node.
 *
 * @param nodes nodes of the job
 * @param nodeRank this one, from 0
 * @param host where node 0 serves the rendezvous
 * @param port its port; 0 where nothing names one
 * @param job what names the job alike on all nodes, empty where nothing does
 */
record NodeEnvironment(int nodes, int nodeRank, String host, int port, Optional<String> job) {
    private static final String HERE = "127.0.0.1";

    /** Reads the environment; one node on its own where it says nothing. */
    static NodeEnvironment detect(Map<String, String> env) {
        Optional<String> nodes = first(env, "NNODES", "PET_NNODES");
        if (nodes.isPresent()) {
            int count = number("NNODES", nodes.get());
            Optional<String> rank = first(env, "NODE_RANK", "PET_NODE_RANK", "GROUP_RANK", "JOB_COMPLETION_INDEX");
            if (count > 1 && rank.isEmpty()) {
                throw UserError.badInput("NNODES is " + count + " in the environment, but nothing says which of them this node is: set NODE_RANK "
                        + "(an indexed Kubernetes Job sets JOB_COMPLETION_INDEX) or give --node-rank");
            }
            return new NodeEnvironment(count, rank.map(r -> number("NODE_RANK", r)).orElse(0),
                    first(env, "MASTER_ADDR", "PET_MASTER_ADDR").orElse(HERE),
                    count == 1 ? 0 : first(env, "MASTER_PORT", "PET_MASTER_PORT").map(p -> number("MASTER_PORT", p)).orElse(0),
                    first(env, "LONGHAUL_JOB", "TORCHELASTIC_RUN_ID", "PET_RDZV_ID"));
        }
        if (env.containsKey("SLURM_NODEID") && env.containsKey("SLURM_STEP_ID")) {
            return slurm(env);
        }
        return new NodeEnvironment(1, 0, HERE, 0, first(env, "LONGHAUL_JOB"));
    }

    private static NodeEnvironment slurm(Map<String, String> env) {
        int nodes = number("SLURM_STEP_NUM_NODES", first(env, "SLURM_STEP_NUM_NODES", "SLURM_NNODES").orElse("1"));
        int tasks = number("SLURM_NTASKS", first(env, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS").orElse(Integer.toString(nodes)));
        if (tasks != nodes) {
            throw UserError.badInput("srun started " + tasks + " tasks on " + nodes + " nodes, and longhaul launch runs once a node: use srun "
                    + "--ntasks-per-node=1, or leave out 'launch' and give srun one task a GPU");
        }
        if (nodes == 1) {
            return new NodeEnvironment(1, 0, HERE, 0, Optional.empty());
        }
        String list = first(env, "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST").orElseThrow(() -> UserError.badInput(
                "a job of " + nodes + " nodes needs SLURM_JOB_NODELIST in the environment; start it with srun"));
        String job = first(env, "SLURM_JOB_ID").orElseThrow(() -> UserError.badInput("SLURM_JOB_ID is missing from the environment; start it with srun"));
        // A requeued job keeps its number and its steps' numbers. What an unreachable node still runs of the start before must not be taken for this start's.
        String again = first(env, "SLURM_RESTART_COUNT").map(n -> "." + n).orElse("");
        return new NodeEnvironment(nodes, number("SLURM_NODEID", env.get("SLURM_NODEID")), env.getOrDefault("MASTER_ADDR", RankEnvironment.firstHost(list)),
                env.containsKey("MASTER_PORT") ? number("MASTER_PORT", env.get("MASTER_PORT")) : RankEnvironment.port(number("SLURM_JOB_ID", job)),
                Optional.of("slurm-" + job + "." + env.get("SLURM_STEP_ID") + again));
    }

    private static Optional<String> first(Map<String, String> env, String... names) {
        for (String name : names) {
            String value = env.get(name);
            if (value != null && !value.isBlank()) {
                return Optional.of(value.strip());
            }
        }
        return Optional.empty();
    }

    private static int number(String name, String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw UserError.badInput(name + " in the environment is no number: '" + value + "'");
        }
    }
}
