package org.longhaul.trust;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import org.longhaul.error.UserError;

/**
 * Faults planted on purpose, so that a run's answers to them can be rehearsed: a comma-separated list in the environment variable
 * {@code LONGHAUL_FAULT} or the system property {@code longhaul.fault}. Batch faults belong to samples, not to steps, so that a
 * run that goes on behind a batch has left its fault behind.
 *
 * <pre>
 * spike=FROM:TO:FACTOR          gradients of batches that start at samples FROM to TO − 1 are multiplied by FACTOR
 * weight=SAMPLE:TENSOR:VALUE    before the batch at SAMPLE the first element of a weight, such as layers.1.down, is overwritten
 * slow=RANK:MILLIS[:SAMPLE]     the rank sleeps so long before each micro-batch, in batches that start at SAMPLE or behind
 * kill=POINT:N[:RANK]           SIGKILL to the rank (any, or this one) at its N-th passage of a point of the program
 * kill-launcher=POINT:N[:RANK]  the same to the process that started the rank
 * </pre>
 *
 * Kills happen in a job's first attempt only.
 *
 * @param spikes gradients made too large
 * @param weights weights overwritten
 * @param kills processes killed
 * @param slows ranks slowed down
 */
public record Faults(List<Spike> spikes, List<Weight> weights, List<Kill> kills, List<Slow> slows) {
    /** Names the environment variable. */
    public static final String VARIABLE = "LONGHAUL_FAULT";
    /** Names the system property, which wins. */
    public static final String PROPERTY = "longhaul.fault";

    private static final Faults NONE = new Faults(List.of(), List.of(), List.of(), List.of());
    private static final Map<String, Long> PASSAGES = new TreeMap<>();
    /** Where the program tells that it passes; a rehearsal of a point that is none would show nothing and look passed. */
    static final List<String> POINTS = List.of("train.gradients", "train.update", "checkpoint.write", "checkpoint.writing", "checkpoint.manifest",
            "checkpoint.done", "checkpoint.rename", "checkpoint.renamed", "checkpoint.delete", "checkpoint.deleting", "checkpoint.load");
    // Read once: points lie in loops.
    private static final List<Kill> KILLS = plannedKills();

    /** Gradients of batches whose first sample is at least {@code from} and below {@code to}, times {@code factor}. */
    public record Spike(long from, long to, double factor) {}

    /** A weight's first element on each rank before the batch at a sample. */
    public record Weight(long sample, String tensor, float value) {}

    /** A rank that sleeps before each micro-batch of batches from a sample on. */
    public record Slow(int rank, long millis, long sample) {}

    /** A process's end at the n-th passage of a point; rank −1 is any. */
    public record Kill(String point, long passage, int rank, boolean launcher) {}

    /** What this process is told to do to itself. Throws UserError naming an entry that is none. */
    public static Faults planted() {
        String text = System.getProperty(PROPERTY, System.getenv().getOrDefault(VARIABLE, ""));
        return text.isBlank() ? NONE : parse(text);
    }

    private static List<Kill> plannedKills() {
        try {
            return planted().kills;
        } catch (UserError e) {
            // Whoever asks for the plan gets the error; a class that cannot be initialised would hide it.
            return List.of();
        }
    }

    static Faults parse(String text) {
        List<Spike> spikes = new ArrayList<>();
        List<Weight> weights = new ArrayList<>();
        List<Kill> kills = new ArrayList<>();
        List<Slow> slows = new ArrayList<>();
        for (String entry : text.split(",")) {
            int equals = entry.indexOf('=');
            String[] v = entry.substring(equals + 1).strip().split(":");
            try {
                switch (entry.substring(0, Math.max(0, equals)).strip()) {
                    case "spike" -> spikes.add(new Spike(Long.parseLong(v[0]), Long.parseLong(v[1]), Double.parseDouble(v[2])));
                    case "weight" -> weights.add(new Weight(Long.parseLong(v[0]), v[1], Float.parseFloat(v[2])));
                    case "slow" -> slows.add(new Slow(Integer.parseInt(v[0]), Long.parseLong(v[1]), v.length > 2 ? Long.parseLong(v[2]) : 0));
                    case "kill" -> kills.add(kill(v, false));
                    case "kill-launcher" -> kills.add(kill(v, true));
                    default -> throw new IllegalArgumentException();
                }
            } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
                throw UserError.badInput(VARIABLE + ": '" + entry + "' is no fault; known are spike=FROM:TO:FACTOR, weight=SAMPLE:TENSOR:VALUE, "
                        + "slow=RANK:MILLIS[:SAMPLE], kill=POINT:N[:RANK], kill-launcher=POINT:N[:RANK]", e);
            }
        }
        return new Faults(List.copyOf(spikes), List.copyOf(weights), List.copyOf(kills), List.copyOf(slows));
    }

    private static Kill kill(String[] v, boolean launcher) {
        if (!POINTS.contains(v[0])) {
            throw UserError.badInput(VARIABLE + ": there is no point '" + v[0] + "' to kill at; known are " + String.join(", ", POINTS));
        }
        return new Kill(v[0], Long.parseLong(v[1]), v.length > 2 ? Integer.parseInt(v[2]) : -1, launcher);
    }

    /** Whether anything is planted. */
    public boolean any() {
        return !spikes.isEmpty() || !weights.isEmpty() || !kills.isEmpty() || !slows.isEmpty();
    }

    /** What the gradients of the batch at a sample are multiplied by; 1 without a fault. */
    public double factor(long sample) {
        return spikes.stream().filter(s -> sample >= s.from && sample < s.to).mapToDouble(Spike::factor).reduce(1, (a, b) -> a * b);
    }

    /** Sleeps where a rank is to be slow, in the batch at a sample. */
    public void dawdle(int rank, long sample) {
        for (Slow slow : slows) {
            if (slow.rank == rank && sample >= slow.sample) {
                LockSupport.parkNanos(slow.millis * 1_000_000);
            }
        }
    }

    /** Tells that the program passes a point; where it is to be killed there, this call does not return. */
    public static void point(String name) {
        if (!KILLS.isEmpty()) {
            pass(name);
        }
    }

    private static synchronized void pass(String name) {
        long passage = PASSAGES.merge(name, 1L, Long::sum);
        int rank = Integer.parseInt(System.getenv().getOrDefault("RANK", "0"));
        boolean first = System.getenv().getOrDefault("LONGHAUL_ATTEMPT", "0").equals("0");
        for (Kill kill : KILLS) {
            if (first && kill.point.equals(name) && kill.passage == passage && (kill.rank < 0 || kill.rank == rank)) {
                kill(kill, rank);
            }
        }
    }

    private static void kill(Kill kill, int rank) {
        ProcessHandle self = ProcessHandle.current();
        long pid = kill.launcher ? self.parent().map(ProcessHandle::pid).orElse(self.pid()) : self.pid();
        System.err.println("planted fault: kill -9 of " + (kill.launcher ? "the launcher" : "rank " + rank) + " at " + kill.point + ", passage " + kill.passage);
        System.err.flush();
        try {
            new ProcessBuilder("kill", "-9", Long.toString(pid)).start().waitFor();
        } catch (IOException | InterruptedException e) {
            throw UserError.environment(VARIABLE + ": cannot kill process " + pid + ": " + e.getMessage(), e);
        }
        while (true) {
            // The process does not get past the point.
            LockSupport.parkNanos(Long.MAX_VALUE);
        }
    }
}
