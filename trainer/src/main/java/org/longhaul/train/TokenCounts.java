package org.longhaul.train;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongBinaryOperator;

/** Tokens by source and by language. */
record TokenCounts(SortedMap<String, Long> sources, SortedMap<String, Long> languages) {
    /** Nothing yet. */
    static final TokenCounts NONE = new TokenCounts(new TreeMap<>(), new TreeMap<>());

    TokenCounts {
        sources = Collections.unmodifiableSortedMap(new TreeMap<>(sources));
        languages = Collections.unmodifiableSortedMap(new TreeMap<>(languages));
    }

    /** All tokens. */
    long total() {
        return sources.values().stream().mapToLong(Long::longValue).sum();
    }

    TokenCounts plus(TokenCounts other) {
        return new TokenCounts(combine(sources, other.sources, Long::sum), combine(languages, other.languages, Long::sum));
    }

    TokenCounts minus(TokenCounts other) {
        return new TokenCounts(combine(sources, other.sources, (a, b) -> a - b), combine(languages, other.languages, (a, b) -> a - b));
    }

    private static SortedMap<String, Long> combine(SortedMap<String, Long> a, SortedMap<String, Long> b, LongBinaryOperator with) {
        SortedMap<String, Long> sum = new TreeMap<>(a);
        b.forEach((name, value) -> sum.put(name, with.applyAsLong(sum.getOrDefault(name, 0L), value)));
        return sum;
    }
}
