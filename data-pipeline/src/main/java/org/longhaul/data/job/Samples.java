package org.longhaul.data.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A few documents for every (stage, reason, source): those with the smallest ids, which for hashed ids is a fair sample, and the
 * same one however the work was cut.
 */
final class Samples {
    private static final int EACH = 3;

    /** One sampled document. */
    record Sample(String stage, String reason, String source, String id, String file, String position, double score, String excerpt) {}

    private final SortedMap<String, TreeSet<Sample>> groups = new TreeMap<>();

    Samples() {}

    @JsonCreator
    static Samples of(List<Sample> list) {
        Samples samples = new Samples();
        list.forEach(samples::add);
        return samples;
    }

    /** Whether a document with this id would still be taken: saves cutting excerpts for nothing. */
    boolean wants(String stage, String reason, String source, String id) {
        TreeSet<Sample> group = groups.get(key(stage, reason, source));
        return group == null || group.size() < EACH || group.last().id.compareTo(id) > 0;
    }

    void add(Sample sample) {
        TreeSet<Sample> group = groups.computeIfAbsent(key(sample.stage, sample.reason, sample.source),
                k -> new TreeSet<>(Comparator.comparing(Sample::id).thenComparing(Sample::file).thenComparing(Sample::position)));
        group.add(sample);
        if (group.size() > EACH) {
            group.pollLast();
        }
    }

    void merge(Samples other) {
        other.list().forEach(this::add);
    }

    @JsonValue
    List<Sample> list() {
        List<Sample> list = new ArrayList<>();
        groups.values().forEach(list::addAll);
        return list;
    }

    private static String key(String stage, String reason, String source) {
        return stage + "\0" + reason + "\0" + source;
    }
}
