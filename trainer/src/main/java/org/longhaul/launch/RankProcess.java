package org.longhaul.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.longhaul.cli.LineStamp;
import org.longhaul.error.UserError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One rank's process: its output goes to ours line by line under its name, but for faults that another has told; its last words are kept. */
final class RankProcess implements Rank {
    private static final Logger LOG = LoggerFactory.getLogger(RankProcess.class);
    /** Enough to still have the cause behind what libraries say while a process ends. */
    private static final int LAST_WORDS = 200;
    private static final String CAUSE = "longhaul: ";

    private final int rank;
    private final Process process;
    private final Deque<String> lastWords = new ArrayDeque<>();
    private final Thread output;
    private volatile DumpFilter dump;

    private RankProcess(int rank, Process process, PrintStream out, boolean prefix, FaultLines said) {
        this.rank = rank;
        this.process = process;
        this.output = new Thread(() -> copy(out, prefix, said), "rank-" + rank + "-output");
        output.setDaemon(true);
        output.start();
    }

    static RankProcess start(int rank, List<String> command, Map<String, String> environment, PrintStream out, boolean prefix, FaultLines said) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        try {
            Process process = builder.start();
            return new RankProcess(rank, process, out, prefix, said);
        } catch (IOException e) {
            throw UserError.environment("rank " + rank + " cannot be started: " + e.getMessage(), e);
        }
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public long pid() {
        return process.pid();
    }

    @Override
    public CompletableFuture<Void> onExit() {
        return process.onExit().thenAccept(p -> {});
    }

    @Override
    public boolean alive() {
        return process.isAlive();
    }

    /** Waits for the rest of its output. */
    @Override
    public int status() {
        try {
            output.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return process.exitValue();
    }

    /** The lines that a failed command ends with, as one; else its last line that names a fault, else its last line. */
    @Override
    public String lastWords() {
        synchronized (lastWords) {
            Set<String> causes = new LinkedHashSet<>();
            String last = lastWords.isEmpty() ? "" : lastWords.peekLast();
            for (String line : lastWords) {
                if (line.startsWith(CAUSE)) {
                    causes.add(line.substring(CAUSE.length()));
                } else if (line.contains("Error") || line.contains("Exception")) {
                    last = line;
                }
            }
            return causes.isEmpty() ? last : String.join("; ", causes);
        }
    }

    // By the shell, which knows all signals: slim containers have no program for it, and Java sends only TERM and KILL.
    @Override
    public void signal(String name) {
        if (!alive()) {
            return;
        }
        if (name.equals("QUIT")) {
            dump = new DumpFilter();
        }
        try {
            new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid())
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (IOException e) {
            if (name.equals("TERM")) {
                // Not destroy() on the process, which closes the streams as well.
                process.toHandle().destroy();
                return;
            }
            LOG.warn("rank {} is not told of SIG{}: {}", rank, name, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void kill() {
        process.destroyForcibly();
    }

    @Override
    public String state() {
        return ProcessState.of(process.pid());
    }

    private void copy(PrintStream out, boolean prefix, FaultLines said) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                synchronized (lastWords) {
                    lastWords.add(line);
                    if (lastWords.size() > LAST_WORDS) {
                        lastWords.remove();
                    }
                }
                if (dump != null && !dump.passes(line) || line.startsWith(CAUSE) && !said.news(rank, line)) {
                    continue;
                }
                out.println(LineStamp.time() + (prefix ? "[rank " + rank + "] " : "") + line);
            }
        } catch (IOException e) {
            // The pipe broke with the process; its status says how it ended.
        }
    }
}
