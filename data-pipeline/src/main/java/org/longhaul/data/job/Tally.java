package org.longhaul.data.job;

import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Documents, bytes and tokens by source, language, stage and reason. Merging is associative and commutative. */
final class Tally {
    /** What happened to a group of documents; kept documents have the stage {@code kept} and no reason. */
    record Key(String source, String language, String stage, String reason) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int order = source.compareTo(other.source);
            order = order != 0 ? order : language.compareTo(other.language);
            order = order != 0 ? order : stage.compareTo(other.stage);
            return order != 0 ? order : reason.compareTo(other.reason);
        }
    }

    /** One line of the tally. */
    record Row(String source, String language, String stage, String reason, long documents, long bytes, long tokens) {}

    private final SortedMap<Key, long[]> counts = new TreeMap<>();

    Tally() {}

    @JsonCreator
    static Tally of(List<Row> rows) {
        Tally tally = new Tally();
        rows.forEach(row -> tally.add(new Key(row.source, row.language, row.stage, row.reason), row.documents, row.bytes, row.tokens));
        return tally;
    }

    void add(Key key, long documents, long bytes, long tokens) {
        long[] sums = counts.computeIfAbsent(key, k -> new long[3]);
        sums[0] += documents;
        sums[1] += bytes;
        sums[2] += tokens;
    }

    void merge(Tally other) {
        other.counts.forEach((key, sums) -> add(key, sums[0], sums[1], sums[2]));
    }

    @JsonValue
    List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        counts.forEach((k, n) -> rows.add(new Row(k.source, k.language, k.stage, k.reason, n[0], n[1], n[2])));
        return rows;
    }
}
