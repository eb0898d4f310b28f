package org.longhaul.data.quality;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.longhaul.data.text.Words;

/**
 * C4 line rules (Raffel et al. 2020). The checks of a line run in a fixed order and the first that fails decides, so a curly
 * bracket in a line that is dropped already does not drop the document. Thread-safe.
 */
final class C4Lines {
    /** Name of the stage. */
    static final String STAGE = "c4";

    private static final Pattern CITATION = Pattern.compile("\\[\\d*\\]|\\[edit\\]|\\[citation needed\\]");
    private static final List<String> POLICIES = List.of(
            "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies");

    private final C4Settings settings;

    /** The rules with the given limits. */
    C4Lines(C4Settings settings) {
        this.settings = settings;
    }

    /**
     * What became of a text.
     *
     * @param verdict whether the document stays
     * @param text the kept lines, joined by line ends; the old text when it is dropped
     * @param removedLines removed lines by reason
     */
    record Outcome(Verdict verdict, String text, Map<String, Integer> removedLines) {}

    /** Removes lines and judges what is left. */
    Outcome apply(TextView view) {
        boolean unsegmented = view.isUnsegmented();
        Map<String, Integer> removed = new TreeMap<>();
        StringBuilder kept = new StringBuilder(view.text().length());
        int sentences = 0;
        for (String raw : view.lines()) {
            String line = TextLines.strip(raw);
            int[] words = TextLines.whitespaceWords(line);
            int wordCount = unsegmented ? Words.of(line).count() : words[0];
            if (settings.maxWordCharacters() > 0 && words[1] > settings.maxWordCharacters()) {
                removed.merge("long_word", 1, Integer::sum);
                continue;
            }
            if (settings.removeCitations() && line.indexOf('[') >= 0) {
                line = CITATION.matcher(line).replaceAll("");
            }
            if (settings.requireTerminalMark() && (!settings.terminalMarks().ends(line) || line.endsWith("..."))) {
                removed.merge("no_terminal_mark", 1, Integer::sum);
                continue;
            }
            if (wordCount < settings.minWordsPerLine()) {
                removed.merge("few_words", 1, Integer::sum);
                continue;
            }
            String lower = line.toLowerCase(Locale.ROOT);
            if (settings.dropLoremIpsum() && lower.contains("lorem ipsum")) {
                return new Outcome(Verdict.drop(STAGE, "lorem_ipsum", Double.NaN), view.text(), removed);
            }
            if (settings.dropJavascriptLines() && lower.contains("javascript")) {
                removed.merge("javascript", 1, Integer::sum);
                continue;
            }
            if (settings.dropCurlyBrackets() && line.indexOf('{') >= 0) {
                return new Outcome(Verdict.drop(STAGE, "curly_bracket", Double.NaN), view.text(), removed);
            }
            if (settings.dropPolicyLines() && POLICIES.stream().anyMatch(lower::contains)) {
                removed.merge("policy", 1, Integer::sum);
                continue;
            }
            sentences += Sentences.count(line);
            kept.append(kept.length() == 0 ? "" : "\n").append(line);
        }
        if (sentences < settings.minSentences()) {
            return new Outcome(Verdict.drop(STAGE, "few_sentences", sentences), view.text(), removed);
        }
        return new Outcome(Verdict.keep(STAGE), TextLines.strip(kept.toString()), removed);
    }
}
