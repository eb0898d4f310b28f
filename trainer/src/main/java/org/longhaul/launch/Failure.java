package org.longhaul.launch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.longhaul.error.ExitCode;

/**
 * How one rank's process failed, or a whole node.
 *
 * @param node the launcher's, from 0
 * @param rank -1 for a whole node
 * @param status of the process; 128 and a signal's number where one ended it
 * @param words its last line that looks like a cause
 */
record Failure(int node, String host, int rank, long pid, int status, String words) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern RANKS = Pattern.compile("\\branks?(?:\\(s\\))? \\[?(\\d+(?:(?:-|,? (?:and )?)\\d+)*)");
    private static final int SIGNAL = 128;
    private static final int KILLED = SIGNAL + 9;
    /** Status of one that had to be killed by its launcher. */
    private static final int HUNG = -1;
    /** Status of a node whose launcher is not heard of any more. */
    private static final int LOST = -2;
    /** Above that the machine or a person sent them, not the process itself. */
    private static final Set<Integer> FROM_OUTSIDE = Set.of(SIGNAL + 1, SIGNAL + 2, KILLED, SIGNAL + 10, SIGNAL + 12, SIGNAL + 15);
    private static final int TOLD = 4;

    private static final Map<Integer, String> SIGNALS = Map.of(
            1, " (SIGHUP: its terminal is gone)", 15, " (SIGTERM: by hand or by the scheduler)", 4, " (SIGILL)", 6, " (SIGABRT, a native library gave up)", 7, " (SIGBUS, often a mapped file that became shorter or a full /dev/shm)",
            9, " (SIGKILL: by hand, by the scheduler, or for memory; the kernel's log says which)", 11, " (SIGSEGV, in a native library)");

    /** A rank that its launcher had to kill; {@code words} say why, behind its name. */
    static Failure hung(int node, String host, int rank, long pid, String words) {
        return new Failure(node, host, rank, pid, HUNG, words);
    }

    /** A node that went silent; {@code words} say how. */
    static Failure lost(int node, String host, String words) {
        return new Failure(node, host, -1, 0, LOST, words);
    }

    /** The status to end a job with whose cause this is: a kill is the machine's, another signal a native library's. */
    int exit() {
        if (status < 0 || FROM_OUTSIDE.contains(status)) {
            return ExitCode.ENVIRONMENT.status();
        }
        return status > SIGNAL ? ExitCode.INTERNAL.status() : status;
    }

    /** Whether it is a rank that its launcher had to kill. */
    boolean hung() {
        return status == HUNG;
    }

    /** Whether it is a whole node. */
    boolean lost() {
        return status == LOST;
    }

    /** The signal that ended it, 0 for none. */
    int signal() {
        return Math.max(0, status - SIGNAL);
    }

    /** Whether it ended by itself with words about another rank: then that one is nearer to the cause. */
    boolean namesAnother() {
        if (signal() > 0 || status < 0) {
            return false;
        }
        Matcher named = RANKS.matcher(words);
        while (named.find()) {
            for (String number : named.group(1).split("\\D+")) {
                if (!number.equals(Integer.toString(rank))) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * The first cause among failures in the order in which they became known: a node that is gone, else the first that does not speak of another rank, else the
     * first; a rank that had to be killed may only have waited for the others.
     */
    static Optional<Failure> first(List<Failure> known) {
        return known.stream().min(Comparator.comparingInt(Failure::distance));
    }

    private int distance() {
        return lost() ? 0 : hung() ? 3 : namesAnother() ? 2 : 1;
    }

    /** One line for people: the first cause, and the nodes and ranks that said nothing themselves. Empty for no failures. */
    static String verdict(List<Failure> known) {
        Optional<Failure> cause = first(known);
        List<Failure> silent = known.stream().filter(f -> (f.hung() || f.lost()) && !f.equals(cause.orElse(null))).toList();
        String more = silent.size() > TOLD ? "; and " + (silent.size() - TOLD) + " more like it" : "";
        return Stream.concat(cause.stream(), silent.stream().limit(TOLD)).map(Failure::text).collect(Collectors.joining("; ")) + more;
    }

    /** One line for people. */
    String text() {
        if (lost()) {
            return "node " + node + " (" + host + ") went silent: " + words;
        }
        String who = "rank " + rank + " on " + host + " (pid " + pid + ") ";
        if (hung()) {
            return who + words;
        }
        String how = signal() > 0 ? "was ended by signal " + signal() + SIGNALS.getOrDefault(signal(), "") : "ended with status " + status;
        return who + how + (words.isEmpty() ? ", without a last word" : signal() > 0 ? ", its last words: " + words : ": " + words);
    }

    String json() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    static Failure of(byte[] json) {
        try {
            return JSON.readValue(json, Failure.class);
        } catch (IOException e) {
            throw new IllegalStateException("a launcher of another version is in this job", e);
        }
    }
}
