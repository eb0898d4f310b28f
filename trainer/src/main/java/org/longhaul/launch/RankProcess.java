package org.longhaul.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.longhaul.cli.LineStamp;
import org.longhaul.error.UserError;

/** One rank's process: its output goes to ours line by line under its name; its last words are kept. */
final class RankProcess {
    private static final int LAST_WORDS = 20;

    private final int rank;
    private final Process process;
    private final Deque<String> lastWords = new ArrayDeque<>();
    private final Thread output;

    private RankProcess(int rank, Process process, PrintStream out, boolean prefix) {
        this.rank = rank;
        this.process = process;
        this.output = new Thread(() -> copy(out, prefix), "rank-" + rank + "-output");
        output.setDaemon(true);
        output.start();
    }

    static RankProcess start(int rank, List<String> command, Map<String, String> environment, PrintStream out, boolean prefix) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        try {
            Process process = builder.start();
            return new RankProcess(rank, process, out, prefix);
        } catch (IOException e) {
            throw UserError.environment("rank " + rank + " cannot be started: " + e.getMessage(), e);
        }
    }

    int rank() {
        return rank;
    }

    long pid() {
        return process.pid();
    }

    CompletableFuture<RankProcess> onExit() {
        return process.onExit().thenApply(p -> this);
    }

    boolean alive() {
        return process.isAlive();
    }

    /** The exit status; only when it has ended. Waits for the rest of its output. */
    int status() {
        try {
            output.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return process.exitValue();
    }

    /** What it said last that looks like a cause: its last line that names a fault, else its last line. */
    String lastWords() {
        synchronized (lastWords) {
            String last = lastWords.isEmpty() ? "" : lastWords.peekLast();
            for (String line : lastWords) {
                if (line.startsWith("longhaul:") || line.contains("Error") || line.contains("Exception")) {
                    last = line;
                }
            }
            return last;
        }
    }

    /** Sends a signal by name, for instance {@code TERM}; nothing happens when it has ended. */
    void signal(String name) {
        try {
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (IOException e) {
            process.destroy();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void kill() {
        process.destroyForcibly();
    }

    private void copy(PrintStream out, boolean prefix) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                synchronized (lastWords) {
                    lastWords.add(line);
                    if (lastWords.size() > LAST_WORDS) {
                        lastWords.remove();
                    }
                }
                out.println(LineStamp.time() + (prefix ? "[rank " + rank + "] " : "") + line);
            }
        } catch (IOException e) {
            // The pipe broke with the process; its status says how it ended.
        }
    }
}
