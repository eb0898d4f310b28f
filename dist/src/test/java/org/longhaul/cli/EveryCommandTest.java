package org.longhaul.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.DynamicTest;
import picocli.CommandLine;

/** Looks at the commands of all modules together. */
class EveryCommandTest {
    private static List<List<String>> paths(CommandLine command, List<String> path) {
        List<List<String>> all = new ArrayList<>();
        all.add(path);
        command.getSubcommands().forEach((name, sub) -> {
            List<String> longer = new ArrayList<>(path);
            longer.add(name);
            all.addAll(paths(sub, longer));
        });
        return all;
    }

    private static CommandLine root() {
        return CommandTree.build(ServiceLoader.load(CommandProvider.class));
    }

    @TestFactory
    List<DynamicTest> everyCommandAnswersHelp() {
        return paths(root(), List.of()).stream().map(path -> DynamicTest.dynamicTest("longhaul " + String.join(" ", path), () -> {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            List<String> args = new ArrayList<>(path);
            args.add("--help");
            int status = Main.run(ServiceLoader.load(CommandProvider.class), args.toArray(String[]::new),
                    new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8));
            String text = out.toString(StandardCharsets.UTF_8);
            assertEquals(0, status, err.toString(StandardCharsets.UTF_8));
            assertTrue(text.startsWith("Usage: " + String.join(" ", concat("longhaul", path))), text);
            assertTrue(text.lines().count() > 3, "says too little: " + text);
        })).toList();
    }

    private static List<String> concat(String first, List<String> rest) {
        List<String> all = new ArrayList<>(List.of(first));
        all.addAll(rest);
        return all;
    }

    @Test
    void everyCommandSaysWhatItIsFor() {
        TreeSet<String> silent = new TreeSet<>();
        for (List<String> path : paths(root(), List.of())) {
            CommandLine command = root();
            for (String word : path) {
                command = command.getSubcommands().get(word);
            }
            if (String.join("", command.getCommandSpec().usageMessage().description()).isBlank()) {
                silent.add(String.join(" ", path));
            }
        }
        assertEquals(new TreeSet<>(), silent);
    }
}
