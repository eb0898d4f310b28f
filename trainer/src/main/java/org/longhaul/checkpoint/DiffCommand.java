package org.longhaul.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares two checkpoints whatever their layouts. */
@Command(name = "diff", description = "Compare two checkpoints element by element, whatever layouts wrote them.")
final class DiffCommand implements Runnable {
    @Parameters(index = "0", paramLabel = "A", description = "A run's folder (its newest step) or one step's folder.")
    private String first;

    @Parameters(index = "1", paramLabel = "B", description = "The other.")
    private String second;

    @Option(names = "--strict", description = "Exit 2 when any tensor differs.")
    private boolean strict;

    @Option(names = "--all", description = "Print equal tensors too.")
    private boolean all;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        CheckpointRef refA = CheckpointRef.parse(first);
        CheckpointRef refB = CheckpointRef.parse(second);
        try (CheckpointStore storeA = refA.store(); CheckpointStore storeB = refB.store()) {
            Checkpoint a = refA.open(storeA);
            Checkpoint b = refB.open(storeB);
            describe(out, "step", a.meta().step(), b.meta().step());
            describe(out, "model", a.meta().model(), b.meta().model());
            describe(out, "fingerprints", new TreeMap<>(a.meta().fingerprints()), new TreeMap<>(b.meta().fingerprints()));
            state(out, a.meta().state(), b.meta().state());
            configLines(out, a.meta().configYaml(), b.meta().configYaml());
            int different = tensors(out, a, b);
            if (strict && different > 0) {
                throw UserError.badInput(different + " tensors differ between " + a.path() + " and " + b.path());
            }
        }
    }

    private int tensors(PrintWriter out, Checkpoint a, Checkpoint b) {
        Set<String> names = new LinkedHashSet<>(a.tensorNames());
        names.addAll(b.tensorNames());
        int equal = 0;
        for (String name : names) {
            if (!a.has(name) || !b.has(name)) {
                out.println(name + ": only in " + (a.has(name) ? a : b).path());
                continue;
            }
            TensorDifference d = TensorDifference.of(a, b, name);
            if (d.equal()) {
                equal++;
            }
            if (all || !d.equal()) {
                out.println(name + ": " + d.text());
            }
        }
        out.println(equal + " of " + names.size() + " tensors are equal");
        return names.size() - equal;
    }

    private static void describe(PrintWriter out, String what, Object a, Object b) {
        if (!Objects.equals(String.valueOf(a), String.valueOf(b))) {
            out.println(what + ": " + a + " -> " + b);
        }
    }

    private static void state(PrintWriter out, JsonNode a, JsonNode b) {
        Set<String> keys = new LinkedHashSet<>();
        a.fieldNames().forEachRemaining(keys::add);
        b.fieldNames().forEachRemaining(keys::add);
        for (String key : keys) {
            if (!a.path(key).equals(b.path(key))) {
                out.println("state " + key + ": " + brief(a.path(key)) + " -> " + brief(b.path(key)));
            }
        }
    }

    private static String brief(JsonNode value) {
        return value.isMissingNode() ? "none" : value.isContainerNode() && value.size() > 4 ? value.size() + " values" : value.toString();
    }

    private static void configLines(PrintWriter out, String a, String b) {
        if (a.isEmpty() != b.isEmpty()) {
            out.println("config: only in " + (a.isEmpty() ? "the second" : "the first"));
            return;
        }
        List<String> before = a.lines().toList();
        List<String> after = b.lines().toList();
        before.stream().filter(l -> !after.contains(l)).forEach(l -> out.println("config - " + l));
        after.stream().filter(l -> !before.contains(l)).forEach(l -> out.println("config + " + l));
    }
}
