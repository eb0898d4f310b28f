package org.longhaul.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.longhaul.cli.Progress;
import org.longhaul.config.ConfigDifference;

/**
 * What two checkpoints differ in, whatever layouts wrote them.
 *
 * @param tensors every tensor of either
 * @param changes what else differs, such as {@code state consumed} or {@code config mesh.tensor}, to both sides' words
 */
record CheckpointDifference(List<TensorDifference> tensors, Map<String, Change> changes) {
    private static final int SHORT = 4;

    /** Words of both sides. */
    record Change(String a, String b) {}

    /** Reads and compares everything. */
    static CheckpointDifference of(Checkpoint a, Checkpoint b) {
        Map<String, Change> changes = new LinkedHashMap<>();
        change(changes, "step", a.meta().step(), b.meta().step());
        change(changes, "model", a.meta().model(), b.meta().model());
        change(changes, "fingerprints", new TreeMap<>(a.meta().fingerprints()), new TreeMap<>(b.meta().fingerprints()));
        state(changes, "state", a.meta().state(), b.meta().state());
        config(changes, a.meta().configYaml(), b.meta().configYaml());
        List<TensorDifference> tensors = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>(a.tensorNames());
        names.addAll(b.tensorNames());
        try (Progress progress = Progress.start(Duration.ofSeconds(10))) {
            for (String name : names) {
                progress.update(() -> "compared " + tensors.size() + " of " + names.size() + " tensors");
                tensors.add(TensorDifference.of(a, b, name));
            }
        }
        return new CheckpointDifference(tensors, changes);
    }

    /** Tensors that are not equal. */
    List<TensorDifference> different() {
        return tensors.stream().filter(d -> !d.equal()).toList();
    }

    /** The tensor with the largest |a-b|, null where no value differs. */
    TensorDifference farthest() {
        // No number is farther than any.
        return tensors.stream().filter(d -> d.different() > 0)
                .max(Comparator.comparingDouble(d -> Double.isNaN(d.max()) ? Double.POSITIVE_INFINITY : d.max())).orElse(null);
    }

    /** Elements whose bits differ. */
    long elements() {
        return tensors.stream().mapToLong(TensorDifference::different).sum();
    }

    /** Norm of all differences over the norm of all compared values of the first. */
    double relative() {
        double squares = tensors.stream().mapToDouble(TensorDifference::squares).sum();
        return Math.sqrt(squares / Math.max(tensors.stream().mapToDouble(TensorDifference::reference).sum(), Double.MIN_NORMAL));
    }

    /** The sums as one line. */
    String totals() {
        int different = different().size();
        String equal = (tensors.size() - different) + " of " + tensors.size() + " tensors are equal";
        TensorDifference farthest = farthest();
        return farthest == null ? equal : equal + String.format(Locale.ROOT, "; %d differ in %,d of %,d elements, largest |a-b| %.3e in %s, |a-b|/|a| %.3e over all",
                different, elements(), tensors.stream().mapToLong(TensorDifference::elements).sum(), farthest.max(), farthest.name(), relative());
    }

    private static void change(Map<String, Change> changes, String what, Object a, Object b) {
        if (!Objects.equals(String.valueOf(a), String.valueOf(b))) {
            changes.put(what, new Change(String.valueOf(a), String.valueOf(b)));
        }
    }

    // Down to single values, so that a line is one number and not a whole table.
    private static void state(Map<String, Change> changes, String path, JsonNode a, JsonNode b) {
        if (a.equals(b)) {
            return;
        }
        if ((a.isObject() || a.isMissingNode()) && (b.isObject() || b.isMissingNode())) {
            Set<String> keys = new LinkedHashSet<>();
            a.fieldNames().forEachRemaining(keys::add);
            b.fieldNames().forEachRemaining(keys::add);
            for (String key : keys) {
                state(changes, path + (path.equals("state") ? " " : ".") + key, a.path(key), b.path(key));
            }
            return;
        }
        changes.put(path, new Change(brief(a), brief(b)));
    }

    private static String brief(JsonNode value) {
        if (value.isMissingNode()) {
            return "none";
        }
        if (value.isIntegralNumber()) {
            return String.format(Locale.ROOT, "%,d", value.asLong());
        }
        if (value.isArray() && value.size() > SHORT) {
            return value.size() + " values" + (value.get(0).isNumber() ? String.format(Locale.ROOT, ", the last %.6g", value.get(value.size() - 1).asDouble()) : "");
        }
        return value.isTextual() ? value.asText() : value.toString();
    }

    private static void config(Map<String, Change> changes, String a, String b) {
        if (a.isEmpty() != b.isEmpty()) {
            changes.put("config", new Change(a.isEmpty() ? "none" : "there", b.isEmpty() ? "none" : "there"));
            return;
        }
        for (ConfigDifference.Change c : ConfigDifference.between(a, b)) {
            changes.put("config " + c.key(), new Change(said(c.before()), said(c.after())));
        }
    }

    private static String said(String value) {
        return value.isEmpty() ? "none" : value;
    }
}
