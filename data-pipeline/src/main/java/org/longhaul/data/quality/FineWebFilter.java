package org.longhaul.data.quality;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** FineWeb's own rules (Penedo et al. 2024): punctuated lines, short lines, repeated lines, lists. Thread-safe. */
final class FineWebFilter implements QualityFilter {
    /** Name of the stage. */
    static final String STAGE = "fineweb";

    private final FineWebSettings settings;

    /** The filter with the given limits. */
    FineWebFilter(FineWebSettings settings) {
        this.settings = settings;
    }

    @Override
    public Verdict judge(TextView view) {
        List<String> lines = new ArrayList<>();
        int newlines = 0;
        for (String line : view.text().split("\n", -1)) {
            newlines++;
            if (!TextLines.strip(line).isEmpty()) {
                lines.add(line);
            }
        }
        newlines--;
        if (lines.isEmpty()) {
            return Verdict.drop(STAGE, "empty", 0);
        }
        int punctuated = 0;
        int brief = 0;
        long duplicate = 0;
        int limit = view.isUnsegmented() ? settings.unsegmentedShortLineCharacters() : settings.shortLineCharacters();
        Set<String> seen = new HashSet<>();
        for (String line : lines) {
            int length = TextView.length(line);
            punctuated += settings.terminalMarks().ends(line) ? 1 : 0;
            brief += length <= limit ? 1 : 0;
            duplicate += seen.add(line) ? 0 : length;
        }
        double punctuatedShare = (double) punctuated / lines.size();
        if (punctuatedShare < settings.minPunctuatedLines()) {
            return Verdict.drop(STAGE, "few_punctuated_lines", punctuatedShare);
        }
        double briefShare = (double) brief / lines.size();
        if (briefShare > settings.maxShortLines()) {
            return Verdict.drop(STAGE, "short_lines", briefShare);
        }
        double duplicateShare = (double) duplicate / (view.codePoints() - newlines);
        if (duplicateShare > settings.maxDuplicateLineCharacters()) {
            return Verdict.drop(STAGE, "duplicate_lines", duplicateShare);
        }
        double perWord = (double) newlines / view.words().count();
        return perWord > settings.maxNewlinesPerWord()
                ? Verdict.drop(STAGE, "list", perWord)
                : Verdict.keep(STAGE);
    }
}
