package org.longhaul.launch;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.longhaul.parallel.RankList;

/**
 * The lines of fault of the ranks that a node started together. A fault of all, a folder that is not there, is read once and not from each of eight
 * ranks; that others said it too is one line at the end.
 */
final class FaultLines {
    private final Map<String, Integer> speakers = new LinkedHashMap<>();
    private final Map<String, TreeSet<Integer>> others = new LinkedHashMap<>();

    /** Whether a rank's line is to be printed: nobody else has said the same. */
    synchronized boolean news(int rank, String line) {
        int speaker = speakers.computeIfAbsent(line, l -> rank);
        if (speaker == rank) {
            return true;
        }
        others.computeIfAbsent(line, l -> new TreeSet<>()).add(rank);
        return false;
    }

    /** Who said what another rank had said before. */
    synchronized List<String> repeated() {
        List<String> lines = new ArrayList<>();
        others.forEach((line, ranks) -> lines.add("the same line came from rank(s) "
                + RankList.text(ranks) + " as from rank " + speakers.get(line)
                + (others.size() > 1 ? ": " + line : "")));
        return lines;
    }
}
