package org.longhaul.data.quality;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Gopher repetition rules (Rae et al. 2021): repeated paragraphs and lines, the most frequent short n-gram, repeated longer
 * n-grams. Second and later occurrences count; shares are of the length of the whole text. Thread-safe.
 */
final class GopherRepetition implements QualityFilter {
    /** Name of the stage. */
    static final String STAGE = "gopher_repetition";

    private static final ThreadLocal<NgramCounter> COUNTER = ThreadLocal.withInitial(NgramCounter::new);

    private final GopherRepetitionSettings settings;

    /** The filter with the given limits. */
    GopherRepetition(GopherRepetitionSettings settings) {
        this.settings = settings;
    }

    @Override
    public Verdict judge(TextView view) {
        if (view.codePoints() == 0) {
            return Verdict.drop(STAGE, "empty", 0);
        }
        String text = view.text();
        Verdict verdict = judgeParts(
                TextLines.splitRuns(TextLines.strip(text), 2),
                view.codePoints(),
                settings.maxDuplicateParagraphs(),
                settings.maxDuplicateParagraphCharacters(),
                "duplicate_paragraphs",
                "duplicate_paragraph_characters");
        if (verdict == null) {
            verdict = judgeParts(
                    TextLines.splitRuns(text, 1),
                    view.codePoints(),
                    settings.maxDuplicateLines(),
                    settings.maxDuplicateLineCharacters(),
                    "duplicate_lines",
                    "duplicate_line_characters");
        }
        return verdict != null ? verdict : judgeNgrams(view);
    }

    private static Verdict judgeParts(
            List<String> parts, int length, double maxElements, double maxCharacters, String elements, String characters) {
        Set<String> seen = new HashSet<>(parts.size() * 2);
        int duplicates = 0;
        long duplicateLength = 0;
        for (String part : parts) {
            if (!seen.add(part)) {
                duplicates++;
                duplicateLength += TextView.length(part);
            }
        }
        double share = (double) duplicates / parts.size();
        if (share > maxElements) {
            return Verdict.drop(STAGE, elements, share);
        }
        double characterShare = (double) duplicateLength / length;
        return characterShare > maxCharacters ? Verdict.drop(STAGE, characters, characterShare) : null;
    }

    private Verdict judgeNgrams(TextView view) {
        NgramCounter counter = COUNTER.get();
        counter.load(view);
        int factor = view.isUnsegmented() ? settings.unsegmentedNgramFactor() : 1;
        for (int i = 0; i < settings.maxTopNgrams().size(); i++) {
            double share = (double) counter.topNgramCharacters((2 + i) * factor) / view.codePoints();
            if (share > settings.maxTopNgrams().get(i)) {
                return Verdict.drop(STAGE, "top_" + (2 + i) + "_gram", share);
            }
        }
        for (int i = 0; i < settings.maxDuplicateNgrams().size(); i++) {
            double share = (double) counter.duplicateNgramCharacters((5 + i) * factor) / view.codePoints();
            if (share > settings.maxDuplicateNgrams().get(i)) {
                return Verdict.drop(STAGE, "duplicate_" + (5 + i) + "_grams", share);
            }
        }
        return Verdict.keep(STAGE);
    }
}
