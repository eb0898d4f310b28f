package org.longhaul.launch;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.longhaul.parallel.RankList;

/**
 * Where ranks meet while they save: each puts {@code savers/CALL/RANK} into the store, and rank 0, when all have, {@code savers/CALL/all}. Who has not come yet
 * keeps the save waiting.
 */
public final class SaveMeeting {
    /** What the keys of all calls begin with. */
    public static final String PREFIX = "savers/";

    private static final String ALL = "all";

    private SaveMeeting() {}

    /** The keys of a call. */
    public static String call(long number) {
        return PREFIX + number + "/";
    }

    /** A rank's key of a call, put when it comes. */
    public static String here(long number, int rank) {
        return call(number) + rank;
    }

    /** Rank 0's key for all. */
    public static String all(long number) {
        return call(number) + ALL;
    }

    /** The end of a sentence that names the ranks which the others wait for; empty where none waits. */
    static String keepsWaiting(Collection<String> keys, int ranks) {
        long latest = keys.stream().mapToLong(SaveMeeting::number).max().orElse(-1);
        Set<String> come = keys.stream().filter(k -> number(k) == latest).map(k -> k.substring(k.lastIndexOf('/') + 1)).collect(Collectors.toSet());
        if (come.isEmpty() || come.contains(ALL)) {
            return "";
        }
        List<Integer> missing = IntStream.range(0, ranks).filter(r -> !come.contains(Integer.toString(r))).boxed().toList();
        // Where all have come, rank 0 has not said so yet.
        return "; in the save the others wait for rank(s) " + RankList.text(missing.isEmpty() ? List.of(0) : missing);
    }

    private static long number(String key) {
        return Long.parseLong(key.substring(PREFIX.length(), key.lastIndexOf('/')));
    }
}
