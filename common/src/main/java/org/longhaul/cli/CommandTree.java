package org.longhaul.cli;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.cli.CommandProvider.Contribution;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Puts the commands that the modules contribute under their groups. */
final class CommandTree {
    private static final Map<String, String> GROUPS = Map.of(
            "data", "Raw text to shards: run the pipeline, look at what it kept and dropped.",
            "tokenizer", "Train, use and verify byte-level BPE tokenizers.",
            "checkpoint", "List, verify and convert checkpoints.",
            "scale", "Plan, run and fit scaling laws.",
            "docs", "Generate the reference pages.",
            "bench", "Longhaul's own benchmarks.");

    /** The order in which somebody needs them; what is not named here follows. */
    private static final List<String> ORDER = List.of("doctor", "data", "tokenizer", "plan", "train", "launch", "submit", "summary", "validate", "generate", "eval",
            "checkpoint", "sft", "dpo", "scale", "verify-layout", "bench", "docs");

    private CommandTree() {}

    /** True for a word that some installation of Longhaul has commands under. */
    static boolean isGroup(String word) {
        return GROUPS.containsKey(word);
    }

    /** The root command with everything that {@code providers} offer. */
    static CommandLine build(Iterable<CommandProvider> providers) {
        Map<String, CommandLine> commands = new LinkedHashMap<>();
        Map<String, CommandLine> groups = new LinkedHashMap<>();
        for (CommandProvider provider : providers) {
            for (Contribution contribution : provider.commands()) {
                if (contribution.group().isEmpty()) {
                    CommandLine command = new CommandLine(contribution.command());
                    if (commands.put(command.getCommandName(), command) != null) {
                        throw new IllegalStateException("two modules contribute the command " + command.getCommandName());
                    }
                } else {
                    groups.computeIfAbsent(contribution.group(), CommandTree::group).addSubcommand(contribution.command());
                }
            }
        }
        groups.forEach((name, group) -> {
            CommandLine existing = commands.putIfAbsent(name, group);
            if (existing != null) {
                // A module contributed the group's word itself as a command: the others go below it.
                group.getSubcommands().forEach(existing::addSubcommand);
            }
        });
        CommandLine root = new CommandLine(new Root());
        Comparator<String> usefulOrder = Comparator.comparingInt(name -> ORDER.contains(name) ? ORDER.indexOf(name) : ORDER.size());
        commands.keySet().stream().sorted(usefulOrder.thenComparing(Comparator.naturalOrder())).forEach(name -> root.addSubcommand(name, commands.get(name)));
        configure(root);
        return root;
    }

    private static CommandLine group(String name) {
        CommandLine group = new CommandLine(CommandSpec.forAnnotatedObject(new Group()).name(name));
        group.getCommandSpec().usageMessage().description(GROUPS.getOrDefault(name, ""));
        return group;
    }

    private static void configure(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        if (!spec.optionsMap().containsKey("--help")) {
            spec.mixinStandardHelpOptions(true);
        }
        spec.versionProvider(new Version());
        spec.usageMessage().width(100).adjustLineBreaksForWideCJKCharacters(true);
        command.setCaseInsensitiveEnumValuesAllowed(true);
        command.getSubcommands().values().forEach(CommandTree::configure);
    }

    /** {@code longhaul} alone: prints the commands. */
    @Command(name = "longhaul", description = "Pre-trains language models: raw text to shards, shards to checkpoints, on one CPU, one GPU or many.",
            mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
    private static final class Root extends Group {}

    /** A word that only holds commands: prints them. */
    @Command(mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND")
    private static class Group implements Runnable {
        @CommandLine.Spec private CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().usage(spec.commandLine().getOut());
        }
    }
}
