package org.longhaul.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.text.NearestMatch;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code longhaul} command: offers every command on the class path and turns every failure into clear lines and an exit status. */
public final class Main {
    private Main() {}

    /** Runs one command and ends the process with its exit status. */
    public static void main(String[] args) {
        // Decimal commas or other digits in files and names would make them differ from machine to machine.
        Locale.setDefault(Locale.ROOT);
        LogLevels.complaint(System.getenv()).ifPresent(complaint -> {
            System.err.println(Told.BEGINS + complaint);
            System.exit(ExitCode.BAD_INPUT.status());
        });
        Terminal.install();
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> FailureReport.of(failure).lines().forEach(System.err::println));
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(out);
        int status = run(ServiceLoader.load(CommandProvider.class), args, out, System.err);
        out.flush();
        System.err.flush();
        // Not a return from main: engine threads would keep the process alive.
        System.exit(status);
    }

    /** Runs one command against the given streams and answers its exit status. */
    static int run(Iterable<CommandProvider> providers, String[] args, PrintStream out, PrintStream err) {
        CommandLine root = CommandTree.build(providers);
        root.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        root.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
        root.setParameterExceptionHandler((failure, arguments) -> {
            err.println("longhaul: " + usageMistake(failure));
            return ExitCode.BAD_INPUT.status();
        });
        root.setExecutionExceptionHandler((failure, command, parsed) -> report(failure, err));
        String unknown = unknownCommand(root, args);
        if (unknown != null) {
            err.println("longhaul: " + unknown);
            return ExitCode.BAD_INPUT.status();
        }
        try {
            return root.execute(args);
        } catch (Throwable failure) {
            // Errors, such as a full heap, go past picocli's handler.
            return report(failure, err);
        }
    }

    /**
     * The complaint about a mistyped command, or null. Looked for before parsing: the parser would go on to the next word and,
     * where that is a command, complain about its arguments.
     */
    private static String unknownCommand(CommandLine root, String[] args) {
        CommandLine command = root;
        for (String word : args) {
            boolean onlyHoldsCommands = !command.getSubcommands().isEmpty() && command.getCommandSpec().positionalParameters().isEmpty();
            if (word.startsWith("-") || !onlyHoldsCommands) {
                return null;
            }
            List<String> commands = new ArrayList<>(command.getSubcommands().keySet());
            if (!commands.contains(word)) {
                String hint = NearestMatch.hint(word, commands);
                if (command == root && hint.isEmpty() && CommandTree.isGroup(word)) {
                    return "this installation has no '" + word + "' commands: it holds " + String.join(", ", commands);
                }
                String name = command.getCommandSpec().qualifiedName();
                return "unknown command '" + word + "'" + (hint.isEmpty() ? "; '" + name + "' has " + String.join(", ", commands) : hint);
            }
            command = command.getSubcommands().get(word);
        }
        return null;
    }

    private static int report(Throwable failure, PrintStream err) {
        FailureReport report = FailureReport.of(failure);
        report.lines().forEach(err::println);
        return report.exitCode().status();
    }

    private static String usageMistake(ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        String seeHelp = "; see '" + name + " --help'";
        if (failure instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
            String word = unmatched.getUnmatched().get(0);
            if (word.startsWith("-")) {
                String option = word.split("=", 2)[0];
                List<String> options = new ArrayList<>(command.getCommandSpec().optionsMap().keySet());
                String hint = NearestMatch.hint(option, options);
                if (hint.isEmpty() && takesOverrides(command)) {
                    hint = "; keys of the configuration are given without dashes: section.key=value";
                }
                return "unknown option '" + option + "' of '" + name + "'" + (hint.isEmpty() ? seeHelp : hint);
            }
            return "'" + name + "' does not take '" + word + "'" + seeHelp;
        }
        if (failure instanceof MissingParameterException) {
            return name + ": " + lowerFirst(failure.getMessage()) + seeHelp;
        }
        return name + ": " + lowerFirst(failure.getMessage().lines().findFirst().orElse("wrong arguments")) + seeHelp;
    }

    private static boolean takesOverrides(CommandLine command) {
        return command.getCommandSpec().positionalParameters().stream().anyMatch(parameter -> parameter.paramLabel().equals("KEY=VALUE"));
    }

    private static String lowerFirst(String text) {
        return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
    }
}
