package org.longhaul.data.quality;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The edges of the published rules, worked out by hand. */
class QualityGoldenTest {
    private static final String STOPS = "the quick brown fox jumped over the lazy dog and ran to a house that stood there. ";

    private static Verdict quality(String text) {
        return new GopherQuality(GopherQualitySettings.defaults()).judge(new TextView(text, "en"));
    }

    private static String reason(String text) {
        return quality(text).reason();
    }

    @Test
    void gopherQualityNamesTheFirstRuleThatFails() {
        String good = STOPS.repeat(4);
        assertEquals("kept", reason(good));
        assertEquals("short_document", reason(STOPS.repeat(2)));
        assertEquals("short_words", reason("the ab be it ".repeat(40)));
        assertEquals("long_words", reason("incomprehensibilities the and ".repeat(2) + "incomprehensibilities ".repeat(60)));
        assertEquals("hash_signs", reason(good + "# ".repeat(10)));
        assertEquals("ellipses", reason(STOPS.repeat(3) + "word... ".repeat(12)));
        assertEquals("bullet_lines", reason(("- " + STOPS + "\n").repeat(10)));
        assertEquals("ellipsis_lines", reason((STOPS + "\n").repeat(6) + ("a line that trails off...\n").repeat(3)));
        assertEquals("few_alphabetic_words", reason(good + " 123".repeat(30)));
        assertEquals("few_stop_words", reason("lovely words without any function terms appear here ".repeat(10) + "the"));
        assertEquals("few_stop_words", reason("lovely words without any function terms appear here ".repeat(10) + "The And Of"));
    }

    @Test
    void limitsAreStrict() {
        // Exactly 90 % of lines with bullets is allowed, more is not.
        String nine = ("- " + STOPS + "\n").repeat(9) + STOPS;
        assertEquals("kept", reason(nine));
        assertEquals("bullet_lines", reason(("- " + STOPS + "\n").repeat(19) + STOPS));
        // 20 tokens without a letter among 100 is exactly 0.8.
        String eighty = "there that with have ".repeat(20);
        assertEquals("kept", reason(eighty + "1 ".repeat(20)));
        assertEquals("few_alphabetic_words", reason(eighty + "1 ".repeat(21)));
    }

    @Test
    void chineseIsJudgedByItsOwnLimits() {
        String poem = "欲出未出光辣達，千山萬山如火發。";
        assertEquals("short_document", reason(poem));
        assertEquals("kept", reason(poem.repeat(6)));
    }

    @Test
    void repetitionCountsSecondAndLaterOccurrences() {
        GopherRepetition filter = new GopherRepetition(GopherRepetitionSettings.defaults());
        // 2 of 10 paragraphs repeat, which is allowed; 4 of 12 are not.
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 7; i++) {
            for (int k = 0; k < 6; k++) {
                text.append(Integer.toString(7919 * (i * 6 + k + 31), 36)).append(' ');
            }
            text.append("\n\n");
        }
        String distinct = text.toString();
        assertEquals("kept", filter.judge(new TextView(distinct + "x\n\nx\n\nx", "en")).reason());
        assertEquals(
                "duplicate_paragraphs", filter.judge(new TextView(distinct + "x\n\nx\n\nx\n\nx\n\nx", "en")).reason());
        assertEquals(
                "duplicate_paragraph_characters",
                filter.judge(new TextView("a first line that is long enough\n\nb\n\nc\n\nd\n\ne\n\nf\n\n"
                        + "a first line that is long enough", "en")).reason());
        assertEquals("top_2_gram", filter.judge(new TextView("same words ".repeat(3) + "and then others follow", "en")).reason());
    }

    @Test
    void ngramArithmeticByHand() {
        NgramCounter counter = new NgramCounter();
        counter.load(new TextView("a bb a bb c a bb", ""));
        // "a bb" is 4 characters and occurs 3 times.
        assertEquals(12, counter.topNgramCharacters(2));
        // Walk: [a bb] [bb a] [a bb]* jump 2: [c a] [a bb]* -> 3 + 3 characters without spaces.
        assertEquals(6, counter.duplicateNgramCharacters(2));
        assertEquals(0, counter.topNgramCharacters(8));
        counter.load(new TextView("x y z", ""));
        assertEquals(3, counter.topNgramCharacters(2), "a count of one still counts");
        counter.load(new TextView("千山萬山千山", ""));
        assertEquals(4, counter.topNgramCharacters(2), "Han is not joined by spaces");
    }

    @Test
    void c4ChecksLinesInOrder() {
        C4Settings strict = new C4Settings(true, true, TerminalMarks.LATIN, 1000, 3, 5, true, true, true, true, true);
        C4Lines c4 = new C4Lines(strict);
        String body = "One good sentence here. Two good sentences here.\nThree good sentences here! Is this four?\nHere is five.";
        assertEquals(body, c4.apply(new TextView(body, "en")).text());
        C4Lines.Outcome outcome = c4.apply(new TextView(
                body + "\nno mark { here\nToo short.\nPlease enable JavaScript now.\nWe use cookies on this site.\n"
                        + "This trails off...\nCited words stay here[12][edit][citation needed].\n" + "w".repeat(1001) + " a b.",
                "en"));
        assertTrue(outcome.verdict().keep(), outcome.verdict().toString());
        assertEquals(body + "\nCited words stay here.", outcome.text());
        assertEquals(
                Map.of("no_terminal_mark", 2, "few_words", 1, "javascript", 1, "policy", 1, "long_word", 1), outcome.removedLines());
        assertEquals("curly_bracket", c4.apply(new TextView(body + "\nHere is { a brace.", "en")).verdict().reason());
        assertEquals("lorem_ipsum", c4.apply(new TextView(body + "\nLorem ipsum dolor sit.", "en")).verdict().reason());
        assertEquals("few_sentences", c4.apply(new TextView("One good sentence here.", "en")).verdict().reason());
        // Words are counted before citations go: "[1] ab." has two words, "[1] [2] ab." three.
        C4Settings one = new C4Settings(true, true, TerminalMarks.LATIN, 1000, 3, 1, true, true, true, true, true);
        assertEquals("few_sentences", new C4Lines(one).apply(new TextView("[1] ab.", "en")).verdict().reason());
        assertEquals("ab.", new C4Lines(one).apply(new TextView("[1] [2] ab.", "en")).text());
    }

    @Test
    void finewebRules() {
        FineWebFilter filter = new FineWebFilter(FineWebSettings.defaults());
        String longLine = "This is a line with rather more than thirty characters and a mark number ";
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 10; i++) {
            text.append(longLine).append(i).append(".\n");
        }
        assertEquals("kept", filter.judge(new TextView(text.toString(), "en")).reason());
        assertEquals("few_punctuated_lines", filter.judge(new TextView(text.toString().replace(".", " x"), "en")).reason());
        assertEquals("short_lines", filter.judge(new TextView("a. \nbb.\ncc.\n" + longLine + ".", "en")).reason());
        assertEquals("duplicate_lines", filter.judge(new TextView(text + longLine + "3.", "en")).reason());
        assertEquals("list", filter.judge(new TextView(text.toString().replace("\n", "\n".repeat(6)), "en")).reason());
        assertEquals("empty", filter.judge(new TextView("  \n ", "en")).reason());
        assertEquals(
                "few_punctuated_lines",
                new FineWebFilter(new FineWebSettings(true, TerminalMarks.LATIN, 0.12, 30, 10, 0.67, 0.01, 0.3))
                        .judge(new TextView("千山萬山如火發，千山萬山如火發，須臾走向天上來。", "zh")).reason());
    }

    @Test
    void sentencesAreCountedWithoutAModel() {
        assertEquals(2, Sentences.count("Hello there. How are you?"));
        assertEquals(1, Sentences.count("Version 3.5 is out"));
        assertEquals(3, Sentences.count("He said \"Stop!\" and left... then"));
        assertEquals(3, Sentences.count("一句。兩句！三句"));
        assertEquals(0, Sentences.count("... !!"));
    }

    @Test
    void pythonLineRules() {
        assertEquals(List.of("a", "b", "", "c"), TextLines.split("a\r\nb\r\r\nc\n").stream().toList());
        assertEquals(List.of("", "a", "b", ""), TextLines.splitRuns("\n\na\n\n\nb\n\n", 2));
        assertEquals(List.of("a\nb"), TextLines.splitRuns("a\nb", 2));
    }
}
