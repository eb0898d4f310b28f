package org.longhaul.parallel;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/** Numbers of ranks as people read them: in order, and those that follow each other as one run. */
public final class RankList {
    /** Two neighbours are no shorter as a run. */
    private static final int SHORTEST_RUN = 3;

    private RankList() {}

    /** As in {@code 0-5, 8}; empty for none. */
    public static String text(Collection<Integer> ranks) {
        List<String> parts = new ArrayList<>();
        List<Integer> run = new ArrayList<>();
        for (int rank : new TreeSet<>(ranks)) {
            if (!run.isEmpty() && run.get(run.size() - 1) != rank - 1) {
                end(run, parts);
            }
            run.add(rank);
        }
        end(run, parts);
        return String.join(", ", parts);
    }

    private static void end(List<Integer> run, List<String> parts) {
        if (run.size() >= SHORTEST_RUN) {
            parts.add(run.get(0) + "-" + run.get(run.size() - 1));
        } else {
            run.forEach(rank -> parts.add(Integer.toString(rank)));
        }
        run.clear();
    }
}
