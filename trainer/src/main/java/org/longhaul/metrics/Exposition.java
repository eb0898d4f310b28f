package org.longhaul.metrics;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A page in Prometheus' text format 0.0.4: for each metric a line of help, a line of its type and its samples, every one with the page's own
 * labels. Names begin with {@code longhaul_}; those of counters end in {@code _total}.
 */
public final class Exposition {
    /** What an HTTP answer with such a page is called. */
    public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final String PREFIX = "longhaul_";
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]*");

    private final StringBuilder text = new StringBuilder(8192);
    private final Map<String, String> labels;
    private final Set<String> seen = new HashSet<>();

    /** An empty page whose samples all carry these labels. */
    public Exposition(Map<String, String> labels) {
        this.labels = new LinkedHashMap<>(labels);
    }

    /** A value that goes up and down. */
    public Exposition gauge(String name, String help, double value) {
        return family(name, "gauge", help, Map.of(Map.of(), value));
    }

    /** The same with labels of its own for each sample. */
    public Exposition gauge(String name, String help, Map<Map<String, String>, Double> samples) {
        return family(name, "gauge", help, samples);
    }

    /** A value that only grows while the process lives. */
    public Exposition counter(String name, String help, double value) {
        if (!name.endsWith("_total")) {
            throw new IllegalArgumentException("a counter's name must end in _total: " + name);
        }
        return family(name, "counter", help, Map.of(Map.of(), value));
    }

    private Exposition family(String name, String type, String help, Map<Map<String, String>, Double> samples) {
        if (!NAME.matcher(name).matches() || !seen.add(name)) {
            throw new IllegalArgumentException("no name of a metric, or there already: " + name);
        }
        text.append("# HELP ").append(PREFIX).append(name).append(' ').append(help.replace("\\", "\\\\").replace("\n", "\\n")).append('\n');
        text.append("# TYPE ").append(PREFIX).append(name).append(' ').append(type).append('\n');
        samples.forEach((own, value) -> {
            Map<String, String> all = new LinkedHashMap<>(labels);
            all.putAll(own);
            text.append(PREFIX).append(name);
            char before = '{';
            for (Map.Entry<String, String> label : all.entrySet()) {
                text.append(before).append(label.getKey()).append("=\"").append(escaped(label.getValue())).append('"');
                before = ',';
            }
            text.append(all.isEmpty() ? " " : "} ").append(number(value)).append('\n');
        });
        return this;
    }

    private static String escaped(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    private static String number(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "+Inf" : "-Inf";
        }
        return value == Math.rint(value) && Math.abs(value) < 1L << 53 ? Long.toString((long) value) : Double.toString(value);
    }

    /** The whole page. */
    @Override
    public String toString() {
        return text.toString();
    }
}
