package org.longhaul.data.dedup;

import java.util.Comparator;

/**
 * Union-find over document numbers 0 … n−1 with 4 bytes a document. The sets and the chosen keepers do not depend on the order of
 * the edges. Not thread-safe.
 */
public final class DuplicateSets {
    /** Parent, or minus the size of the set at a root. */
    private final int[] parent;

    /** Every document alone. */
    public DuplicateSets(int documents) {
        parent = new int[documents];
        java.util.Arrays.fill(parent, -1);
    }

    /** Puts two documents into one set; true if they were apart. */
    public boolean union(int a, int b) {
        int x = root(a);
        int y = root(b);
        if (x == y) {
            return false;
        }
        if (parent[x] > parent[y]) {
            int t = x;
            x = y;
            y = t;
        }
        parent[x] += parent[y];
        parent[y] = x;
        return true;
    }

    private int root(int a) {
        int x = a;
        while (parent[x] >= 0) {
            if (parent[parent[x]] >= 0) {
                parent[x] = parent[parent[x]];
            }
            x = parent[x];
        }
        return x;
    }

    /** Whether two documents are in one set. */
    public boolean same(int a, int b) {
        return root(a) == root(b);
    }

    /** Documents in the set of a. */
    public int size(int a) {
        return -parent[root(a)];
    }

    /** For each document the one that stays in its place: the first of its set by the given order. */
    public int[] keepers(Comparator<Integer> order) {
        int n = parent.length;
        int[] best = new int[n];
        java.util.Arrays.fill(best, -1);
        for (int i = 0; i < n; i++) {
            int root = root(i);
            if (best[root] < 0 || order.compare(i, best[root]) < 0) {
                best[root] = i;
            }
        }
        int[] keepers = new int[n];
        for (int i = 0; i < n; i++) {
            keepers[i] = best[root(i)];
        }
        return keepers;
    }
}
