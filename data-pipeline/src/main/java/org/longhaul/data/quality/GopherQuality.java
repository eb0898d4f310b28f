package org.longhaul.data.quality;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.longhaul.data.text.Words;

/**
 * Gopher quality rules (Rae et al. 2021). The first rule that fails names the reason. Texts in scripts without spaces have
 * their own least length and no rules on word length and stop words. Thread-safe.
 */
final class GopherQuality implements QualityFilter {
    /** Name of the stage. */
    static final String STAGE = "gopher_quality";

    private final GopherQualitySettings settings;
    private final Map<String, Set<String>> stopWords = new HashMap<>();

    /** The filter with the given limits. */
    GopherQuality(GopherQualitySettings settings) {
        this.settings = settings;
        settings.stopWords().forEach((language, words) -> stopWords.put(language, Set.copyOf(words)));
    }

    @Override
    public Verdict judge(TextView view) {
        Words words = view.words();
        int tokens = words.count();
        boolean unsegmented = view.isUnsegmented();
        int plain = 0;
        long characters = 0;
        int alphabetic = 0;
        for (int i = 0; i < tokens; i++) {
            if (!words.isPunctuation(i)) {
                plain++;
                characters += view.wordLength(i);
                alphabetic += hasLetter(words, i) ? 1 : 0;
            }
        }
        int least = unsegmented ? settings.unsegmentedMinWords() : settings.minWords();
        if (plain < least || tokens == 0) {
            return Verdict.drop(STAGE, "short_document", plain);
        }
        if (plain > settings.maxWords()) {
            return Verdict.drop(STAGE, "long_document", plain);
        }
        double mean = plain == 0 ? 0 : (double) characters / plain;
        if (!unsegmented && mean < settings.minMeanWordLength()) {
            return Verdict.drop(STAGE, "short_words", mean);
        }
        if (!unsegmented && mean > settings.maxMeanWordLength()) {
            return Verdict.drop(STAGE, "long_words", mean);
        }
        String text = view.text();
        double hashes = (double) TextView.count(text, "#") / tokens;
        if (hashes > settings.maxSymbolRatio()) {
            return Verdict.drop(STAGE, "hash_signs", hashes);
        }
        double ellipses = (double) (TextView.count(text, "...") + TextView.count(text, "\u2026")) / tokens;
        if (ellipses > settings.maxSymbolRatio()) {
            return Verdict.drop(STAGE, "ellipses", ellipses);
        }
        Verdict lines = judgeLines(view.lines());
        if (lines != null) {
            return lines;
        }
        double letters = (double) alphabetic / tokens;
        if (letters < settings.minAlphabeticWords()) {
            return Verdict.drop(STAGE, "few_alphabetic_words", letters);
        }
        int stops = unsegmented ? Integer.MAX_VALUE : stopWordsIn(words, view.language());
        return stops < settings.minStopWords()
                ? Verdict.drop(STAGE, "few_stop_words", stops)
                : Verdict.keep(STAGE);
    }

    private Verdict judgeLines(List<String> lines) {
        int bullets = 0;
        int ellipses = 0;
        for (String line : lines) {
            bullets += TextLines.startsWithAfterSpace(line, "\u2022-") ? 1 : 0;
            int last = TextLines.lastNonSpace(line);
            boolean ellipsis = last >= 0
                    && (line.charAt(last) == '\u2026' || last >= 2 && line.startsWith("...", last - 2));
            ellipses += ellipsis ? 1 : 0;
        }
        double bulletShare = (double) bullets / lines.size();
        if (bulletShare > settings.maxBulletLines()) {
            return Verdict.drop(STAGE, "bullet_lines", bulletShare);
        }
        double ellipsisShare = (double) ellipses / lines.size();
        return ellipsisShare > settings.maxEllipsisLines()
                ? Verdict.drop(STAGE, "ellipsis_lines", ellipsisShare)
                : null;
    }

    private static boolean hasLetter(Words words, int i) {
        String text = words.text();
        for (int k = words.start(i); k < words.end(i); ) {
            int codePoint = text.codePointAt(k);
            if (Character.isLetter(codePoint)) {
                return true;
            }
            k += Character.charCount(codePoint);
        }
        return false;
    }

    private int stopWordsIn(Words words, String language) {
        Set<String> set = stopWords.get(language.isEmpty() ? "en" : language);
        if (set == null || settings.minStopWords() == 0) {
            return Integer.MAX_VALUE;
        }
        int longest = 0;
        for (String word : set) {
            longest = Math.max(longest, word.length());
        }
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < words.count() && seen.size() < settings.minStopWords(); i++) {
            if (words.length(i) <= longest) {
                String word = words.word(i);
                if (set.contains(word)) {
                    seen.add(word);
                }
            }
        }
        return seen.size();
    }
}
