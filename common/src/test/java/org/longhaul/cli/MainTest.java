package org.longhaul.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.longhaul.cli.CommandProvider.Contribution;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

class MainTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** Fails in the way that its argument asks for. */
    @Command(name = "train", description = "Trains.")
    static final class Train implements Callable<Integer> {
        @Option(names = "--stop-after") private int stopAfter;
        @Parameters(index = "0", paramLabel = "CONFIG") private String config;

        @Override
        public Integer call() throws IOException {
            switch (config) {
                case "bad" -> throw new IllegalStateException("wrapped", UserError.badInput("x.yaml:1: lr: too high\nx.yaml:2: steps: missing"));
                case "told" -> {
                    Told.tell("the network is gone\nlook at rank 3");
                    Told.tell("the network is gone");
                    throw new IllegalStateException(UserError.environment("the network is gone\nlook at rank 3"));
                }
                case "lacking" -> throw UserError.environment("no GPU");
                case "signal" -> throw UserError.requeue("stopped by SIGTERM after saving step 7");
                case "heap" -> throw new OutOfMemoryError("Java heap space");
                case "disk" -> throw new RuntimeException(new IOException("/out/x: No space left on device"));
                case "defect" -> throw new IllegalStateException("index 3 out of 2\nsecond line");
                default -> System.out.flush();
            }
            return stopAfter;
        }
    }

    @Command(name = "run", description = "Runs.")
    static final class Run implements Runnable {
        @Override
        public void run() {}
    }

    @Command(name = "plan", description = "Plans.")
    static final class Plan implements Runnable {
        @Parameters(index = "0..*", paramLabel = "KEY=VALUE") private List<String> overrides;

        @Override
        public void run() {}
    }

    @Command(name = "inspect", description = "Looks.")
    static final class Inspect implements Runnable {
        @Override
        public void run() {}
    }

    private int run(String... args) {
        CommandProvider one = () -> List.of(new Contribution("", new Train()), new Contribution("data", new Run()));
        CommandProvider two = () -> List.of(new Contribution("data", new Inspect()), new Contribution("data", new Plan()));
        return Main.run(List.of(one, two), args, new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    private void assertFails(int status, String line, String... args) {
        assertEquals(status, run(args));
        assertEquals(line + "\n", err.toString(StandardCharsets.UTF_8));
        assertEquals("", out.toString(StandardCharsets.UTF_8));
    }

    /** Said as soon as it was known, it is not said again at the end; the status is the same. */
    @Test
    void whatWasToldIsNotRepeated() {
        PrintStream before = System.err;
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        System.setErr(new PrintStream(told, true, StandardCharsets.UTF_8));
        try {
            assertEquals(3, run("train", "told"));
        } finally {
            System.setErr(before);
        }
        assertEquals("longhaul: the network is gone\nlonghaul: look at rank 3\n", told.toString(StandardCharsets.UTF_8));
        assertEquals("", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void withoutArgumentsTheCommandsAreListed() {
        assertEquals(0, run());
        String text = out.toString(StandardCharsets.UTF_8);
        assertTrue(text.contains("train") && text.contains("Trains.") && text.contains("data"), text);
    }

    @Test
    void groupsOfSeveralModulesAreOne() {
        assertEquals(0, run("data"));
        String text = out.toString(StandardCharsets.UTF_8);
        assertTrue(text.contains("Usage: longhaul data") && text.contains("run") && text.contains("inspect"), text);
    }

    @Test
    void helpIsThereAtEveryLevel() {
        for (String[] args : new String[][] {{"--help"}, {"-h"}, {"data", "--help"}, {"data", "run", "--help"}, {"train", "--help"}}) {
            out.reset();
            assertEquals(0, run(args));
            assertTrue(out.toString(StandardCharsets.UTF_8).startsWith("Usage: longhaul"), out.toString(StandardCharsets.UTF_8));
        }
    }

    @Test
    void versionComesFromTheBuild() {
        assertEquals(0, run("--version"));
        assertTrue(out.toString(StandardCharsets.UTF_8).matches("longhaul \\d+\\.\\d+\\.\\d+.*, Java .*\n"), out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void mistypedWordsSuggestTheNearest() {
        assertFails(2, "longhaul: unknown command 'trian'; did you mean 'train'?", "trian", "x");
    }

    @Test
    void mistypedSubcommandsSuggestTheNearest() {
        assertFails(2, "longhaul: unknown command 'inspekt'; did you mean 'inspect'?", "data", "inspekt");
    }

    @Test
    void hopelessWordsListTheCommands() {
        assertFails(2, "longhaul: unknown command 'fly'; 'longhaul data' has run, inspect, plan", "data", "fly");
    }

    @Test
    void aGroupOfAnAbsentModuleIsExplained() {
        assertFails(2, "longhaul: this installation has no 'tokenizer' commands: it holds data, train", "tokenizer", "train");
    }

    @Test
    void commandsComeInTheOrderOfTheWork() {
        run();
        String text = out.toString(StandardCharsets.UTF_8);
        assertTrue(text.indexOf("  data ") < text.indexOf("  train "), text);
    }

    @Test
    void mistypedOptionsSuggestTheNearest() {
        assertFails(2, "longhaul: unknown option '--steps' of 'longhaul data plan'; keys of the configuration are given without dashes: section.key=value",
                "data", "plan", "--steps=3");
        err.reset();
        assertFails(2, "longhaul: unknown option '--stopafter'; did you mean '--stop-after'?".replace("'; did", "' of 'longhaul train'; did"), "train", "ok", "--stopafter=3");
    }

    @Test
    void missingAndWrongArgumentsAreNamed() {
        assertFails(2, "longhaul: longhaul train: missing required parameter: 'CONFIG'; see 'longhaul train --help'", "train");
        err.reset();
        assertFails(2, "longhaul: longhaul train: invalid value for option '--stop-after': 'x' is not an int; see 'longhaul train --help'", "train", "c", "--stop-after", "x");
    }

    @Test
    void theStatusOfACommandIsItsExitStatus() {
        assertEquals(75, run("train", "ok", "--stop-after", "75"));
    }

    @Test
    void usersErrorsAreLinesWithoutATrace() {
        assertFails(2, "longhaul: x.yaml:1: lr: too high\nlonghaul: x.yaml:2: steps: missing", "train", "bad");
    }

    @Test
    void shortagesOfTheMachineEndWithThree() {
        assertFails(3, "longhaul: no GPU", "train", "lacking");
        err.reset();
        assertFails(3, "longhaul: the disk is full: /out/x: No space left on device; free some space or choose another folder",  "train", "disk");
        err.reset();
        assertEquals(3, run("train", "heap"));
        assertTrue(err.toString(StandardCharsets.UTF_8).startsWith("longhaul: out of Java heap ("), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void stoppedBySignalAsksForARequeue() {
        assertFails(75, "longhaul: stopped by SIGTERM after saving step 7", "train", "signal");
    }

    @Test
    void defectsSaveTheirTrace() throws IOException {
        assertEquals(70, run("train", "defect"));
        String line = err.toString(StandardCharsets.UTF_8);
        String start = "longhaul: internal error: IllegalStateException: index 3 out of 2; stack trace in ";
        assertTrue(line.startsWith(start) && line.lines().count() == 1, line);
        Path trace = Path.of(line.substring(start.length()).strip());
        assertTrue(Files.readString(trace).contains("at " + Train.class.getName()));
        Files.delete(trace);
    }
}
