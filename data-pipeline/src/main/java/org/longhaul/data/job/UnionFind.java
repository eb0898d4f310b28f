package org.longhaul.data.job;

import java.util.Arrays;
import java.util.Comparator;
import java.util.function.Consumer;
import org.longhaul.data.dedup.DuplicateSets;

/**
 * Clusters of 128-bit ids from pairs, in the driver's memory. Ids become dense numbers by sorting, so that the outcome does
 * not depend on the order of the pairs; the root of a cluster is its smallest id in signed order.
 */
final class UnionFind {
    private long[] pairs = new long[4 << 10];
    private int size;

    /** A member of a cluster and the cluster's smallest id. */
    record Member(long high, long low, long rootHigh, long rootLow) {}

    void pair(long high1, long low1, long high2, long low2) {
        if (size + 4 > pairs.length) {
            pairs = Arrays.copyOf(pairs, (int) Math.min(Integer.MAX_VALUE - 8L, pairs.length * 2L));
        }
        pairs[size++] = high1;
        pairs[size++] = low1;
        pairs[size++] = high2;
        pairs[size++] = low2;
    }

    /** Hands out every id that occurred, in ascending order, with its root. */
    void members(Consumer<Member> consumer) {
        int ends = size / 2;
        Integer[] order = new Integer[ends];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> {
            int high = Long.compare(pairs[2 * a], pairs[2 * b]);
            return high != 0 ? high : Long.compare(pairs[2 * a + 1], pairs[2 * b + 1]);
        });
        int[] node = new int[ends];
        int[] first = new int[ends];
        int nodes = 0;
        for (int i = 0; i < ends; i++) {
            int end = order[i];
            boolean same = i > 0 && pairs[2 * end] == pairs[2 * order[i - 1]] && pairs[2 * end + 1] == pairs[2 * order[i - 1] + 1];
            if (!same) {
                first[nodes++] = end;
            }
            node[end] = nodes - 1;
        }
        DuplicateSets sets = new DuplicateSets(nodes);
        for (int pair = 0; pair < ends; pair += 2) {
            sets.union(node[pair], node[pair + 1]);
        }
        int[] roots = sets.keepers(Comparator.naturalOrder());
        for (int i = 0; i < nodes; i++) {
            int root = first[roots[i]];
            consumer.accept(new Member(pairs[2 * first[i]], pairs[2 * first[i] + 1], pairs[2 * root], pairs[2 * root + 1]));
        }
    }
}
