package org.longhaul.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ServiceLoader;

/** Runs the real {@code longhaul} command inside the test's JVM. */
public final class InProcess {
    private InProcess() {}

    /** What a command did: its exit status, its output, and its error stream with status lines. */
    public record Result(int status, String out, String err) {
        /** Lines of the error stream that the command reports failures with. */
        public java.util.List<String> failures() {
            return err.lines().filter(line -> line.startsWith("longhaul: ")).toList();
        }
    }

    /** Runs {@code longhaul ARGS}. */
    public static Result run(String... args) {
        PrintStream before = System.err;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try (PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
                PrintStream output = new PrintStream(out, true, StandardCharsets.UTF_8)) {
            System.setErr(errors);
            int status = Main.run(ServiceLoader.load(CommandProvider.class), args, output, errors);
            return new Result(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(before);
        }
    }
}
