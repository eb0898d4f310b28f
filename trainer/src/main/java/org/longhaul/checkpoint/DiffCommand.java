package org.longhaul.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares two checkpoints whatever their layouts. */
@Command(name = "diff", description = "Compare two checkpoints element by element, whatever layouts wrote them: sums first, then what differs.")
final class DiffCommand implements Runnable {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    @Parameters(index = "0", paramLabel = "A", description = "A run's folder (its newest step) or one step's folder.")
    private String first;

    @Parameters(index = "1", paramLabel = "B", description = "The other.")
    private String second;

    @Option(names = "--strict", description = "Exit 2 when any tensor differs.")
    private boolean strict;

    @Option(names = "--all", description = "Print equal tensors too.")
    private boolean all;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        CheckpointRef refA = CheckpointRef.parse(first);
        CheckpointRef refB = CheckpointRef.parse(second);
        try (CheckpointStore storeA = refA.store(); CheckpointStore storeB = refB.store()) {
            Checkpoint a = refA.open(storeA);
            Checkpoint b = refB.open(storeB);
            CheckpointDifference difference = CheckpointDifference.of(a, b);
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                out.println(json(a, b, difference));
            } else {
                print(out, difference);
            }
            out.flush();
            int different = difference.different().size();
            if (strict && different > 0) {
                throw UserError.badInput(different + " tensors differ between " + a.path() + " and " + b.path());
            }
        }
    }

    private List<TensorDifference> listed(CheckpointDifference difference) {
        return all ? difference.tensors() : difference.different();
    }

    private void print(PrintWriter out, CheckpointDifference difference) {
        out.println(difference.totals());
        difference.changes().forEach((what, change) -> out.println(what + ": " + change.a() + " -> " + change.b()));
        listed(difference).forEach(d -> out.println(d.name() + ": " + d.text()));
    }

    private String json(Checkpoint a, Checkpoint b, CheckpointDifference difference) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("a", a.path());
        values.put("b", b.path());
        values.put("tensors", difference.tensors().size());
        values.put("tensors_different", difference.different().size());
        values.put("elements_different", difference.elements());
        TensorDifference farthest = difference.farthest();
        values.put("max_abs_difference", farthest == null ? 0 : number(farthest.max()));
        values.put("max_abs_difference_in", farthest == null ? null : farthest.name());
        values.put("relative_difference", number(difference.relative()));
        values.put("changes", difference.changes());
        values.put("different", listed(difference).stream().map(DiffCommand::json).toList());
        try {
            return JSON.writeValueAsString(values);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, Object> json(TensorDifference d) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("name", d.name());
        if (!d.note().isEmpty()) {
            values.put("note", d.note());
        }
        values.put("elements", d.elements());
        values.put("elements_different", d.different());
        values.put("max_abs_difference", number(d.max()));
        values.put("max_at", d.maxAt());
        values.put("relative_difference", number(d.relative()));
        return values;
    }

    // JSON has no word for what is no number.
    private static Object number(double value) {
        return Double.isFinite(value) ? value : String.valueOf(value);
    }
}
