package org.longhaul.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

/** What the command line says about an exception: the lines for the user, but those that he was {@link Told} before, and the exit status. */
record FailureReport(List<String> lines, ExitCode exitCode) {

    /** Looks for a {@link UserError} or a known shortage anywhere in the chain of causes; anything else is a defect, whose trace is saved. */
    static FailureReport of(Throwable failure) {
        List<Throwable> chain = chain(failure);
        for (Throwable link : chain) {
            if (link instanceof UserError error) {
                return new FailureReport(
                        error.getMessage().lines().map(line -> Told.BEGINS + line).filter(line -> !Told.knows(line)).toList(), error.exitCode());
            }
        }
        // From the deepest cause up: the outer messages often only repeat it behind the name of its class.
        Collections.reverse(chain);
        for (Throwable link : chain) {
            String message = String.valueOf(link.getMessage());
            if (link instanceof OutOfMemoryError) {
                return shortage(message.contains("irect") ? "out of memory outside the Java heap: " + message
                        : "out of Java heap (" + Runtime.getRuntime().maxMemory() / (1 << 20) + " MiB): set LONGHAUL_HEAP to more, such as LONGHAUL_HEAP=8g");
            }
            if (message.contains("No space left on device") || message.contains("Disk quota exceeded")) {
                return shortage("the disk is full: " + firstLine(message) + "; free some space or choose another folder");
            }
            if (message.contains("Too many open files")) {
                return shortage("too many open files: raise the limit with 'ulimit -n'");
            }
        }
        String what = failure.getClass().getSimpleName() + (failure.getMessage() == null ? "" : ": " + firstLine(failure.getMessage()));
        return new FailureReport(List.of("longhaul: internal error: " + what + "; stack trace in " + save(failure)), ExitCode.INTERNAL);
    }

    private static FailureReport shortage(String message) {
        return new FailureReport(List.of("longhaul: " + message), ExitCode.ENVIRONMENT);
    }

    private static List<Throwable> chain(Throwable failure) {
        List<Throwable> chain = new ArrayList<>();
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable link = failure; link != null && seen.add(link); link = link.getCause()) {
            chain.add(link);
        }
        return chain;
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("");
    }

    private static String save(Throwable failure) {
        try {
            Path file = Files.createTempFile("longhaul-", ".trace.txt");
            try (PrintWriter writer = new PrintWriter(Files.newBufferedWriter(file, StandardCharsets.UTF_8))) {
                writer.println("longhaul " + Version.text() + ", Java " + System.getProperty("java.version") + ", "
                        + System.getProperty("os.name") + " " + System.getProperty("os.arch"));
                failure.printStackTrace(writer);
            }
            return file.toString();
        } catch (IOException e) {
            failure.printStackTrace();
            return "the lines above (it could not be saved: " + e.getMessage() + ")";
        }
    }
}
