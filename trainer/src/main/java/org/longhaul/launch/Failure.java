package org.longhaul.launch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.error.ExitCode;

/**
 * How one rank's process failed.
 *
 * @param node the launcher's, from 0
 * @param status of the process; 128 and a signal's number where one ended it
 * @param words its last line that looks like a cause
 */
record Failure(int node, String host, int rank, long pid, int status, String words) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern RANKS = Pattern.compile("\\branks?(?:\\(s\\))? \\[?(\\d+(?:,? (?:and )?\\d+)*)");
    private static final int SIGNAL = 128;
    private static final int KILLED = SIGNAL + 9;

    private static final Map<Integer, String> SIGNALS = Map.of(
            4, " (SIGILL)", 6, " (SIGABRT, a native library gave up)", 7, " (SIGBUS, often a mapped file that became shorter or a full /dev/shm)",
            9, " (SIGKILL: by hand, by the scheduler, or for memory; the kernel's log says which)", 11, " (SIGSEGV, in a native library)");

    /** The status to end a job with whose cause this is: a kill is the machine's, another signal a native library's. */
    int exit() {
        return status == KILLED ? ExitCode.ENVIRONMENT.status() : status > SIGNAL ? ExitCode.INTERNAL.status() : status;
    }

    /** The signal that ended it, 0 for none. */
    int signal() {
        return Math.max(0, status - SIGNAL);
    }

    /** Whether it ended by itself with words about another rank: then that one is nearer to the cause. */
    boolean namesAnother() {
        if (signal() > 0) {
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

    /** The first cause among failures in the order in which they became known: the first that does not speak of another rank, else the first. */
    static Optional<Failure> first(List<Failure> known) {
        return known.stream().min(Comparator.comparing(Failure::namesAnother));
    }

    /** One line for people. */
    String text() {
        String how = signal() > 0 ? "was ended by signal " + signal() + SIGNALS.getOrDefault(signal(), "") : "ended with status " + status;
        return "rank " + rank + " on " + host + " (pid " + pid + ") " + how
                + (words.isEmpty() ? ", without a last word" : signal() > 0 ? ", its last words: " + words : ": " + words);
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
