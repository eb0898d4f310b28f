package org.longhaul.launch;

import java.util.Collection;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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

    /** Rank 0's key for all. */
    public static String all(long number) {
        return call(number) + ALL;
    }

    /** The end of a sentence that names the ranks which the others wait for; empty where none waits. */
    static String keepsWaiting(Collection<String> keys, int ranks) {
        long latest = keys.stream().mapToLong(SaveMeeting::number).max().orElse(-1);
        TreeSet<String> come = keys.stream().filter(k -> number(k) == latest).map(k -> k.substring(k.lastIndexOf('/') + 1))
                .collect(Collectors.toCollection(TreeSet::new));
        if (come.isEmpty() || come.contains(ALL)) {
            return "";
        }
        String missing = IntStream.range(1, ranks).mapToObj(Integer::toString).filter(r -> !come.contains(r)).collect(Collectors.joining(", "));
        // Rank 0 says so for all, not for itself.
        return "; in the save the others wait for " + (missing.isEmpty() ? "rank 0" : "rank(s) " + missing);
    }

    private static long number(String key) {
        return Long.parseLong(key.substring(PREFIX.length(), key.lastIndexOf('/')));
    }
}
