package org.longhaul.text;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the valid word that a mistyped one most probably meant. */
public final class NearestMatch {
    private NearestMatch() {}

    /**
     * The candidate with the smallest edit distance to {@code word}, ignoring case and the difference between
     * {@code -} and {@code _}; empty when nothing is near enough to be worth suggesting (about one edit for every three characters).
     * Ties go to the earlier candidate.
     */
    public static Optional<String> of(String word, Collection<String> candidates) {
        String typed = fold(word);
        String best = null;
        int bestDistance = Integer.MAX_VALUE;
        for (String candidate : candidates) {
            String known = fold(candidate);
            int distance = distance(typed, known);
            boolean abbreviation = typed.length() >= 3 && (known.startsWith(typed) || typed.startsWith(known) && known.length() >= 3);
            if (abbreviation) {
                distance = Math.min(distance, 1);
            }
            int allowed = Math.max(1, Math.max(typed.length(), known.length()) / 3);
            boolean sharesNothing = distance >= Math.max(typed.length(), known.length());
            if (distance <= allowed && !sharesNothing && distance < bestDistance) {
                best = candidate;
                bestDistance = distance;
            }
        }
        return Optional.ofNullable(best);
    }

    /** {@code "; did you mean 'x'?"}, or the empty string when no candidate is near. */
    public static String hint(String word, Collection<String> candidates) {
        return of(word, candidates).map(match -> "; did you mean '" + match + "'?").orElse("");
    }

    /** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
    static int distance(String a, String b) {
        int[] twoBack = new int[b.length() + 1];
        int[] previous = new int[b.length() + 1];
        int[] current = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                int least = Math.min(Math.min(previous[j], current[j - 1]) + 1, previous[j - 1] + substitution);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    least = Math.min(least, twoBack[j - 2] + 1);
                }
                current[j] = least;
            }
            int[] spare = twoBack;
            twoBack = previous;
            previous = current;
            current = spare;
        }
        return previous[b.length()];
    }

    private static String fold(String word) {
        return word.toLowerCase(Locale.ROOT).replace('-', '_');
    }
}
