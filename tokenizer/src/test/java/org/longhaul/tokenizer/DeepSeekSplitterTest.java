package org.longhaul.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DeepSeekSplitterTest {
    /** One or more of every combination of classes that occurs, and neighbours of range ends. */
    private static final String[] ALPHABET = {"a", "B", "z", "é", "ß", "Ж", "ử", "ἀ", "ℂ", "Ａ", "ｚ", "𐐀", "1", "9", "²", "Ⅷ", "〇", "①", "٣",
        " ", " ", "\t", "\u000B", "\u00A0", "\u0085", "\u2003", "\u2028", "\u3000", "\u3000", "\n", "\r", ".", ",", "-", "，", "！", "：", "～",
        "“", "‘", "。", "、", "中", "文", "の", "한", "ش", "ה", "ह", "ก", "…", "—", "€", "\u0000", "\u0301", "😀", "\u200D", "\uE000", "龥", "龦", "䷿"};

    @Test
    void agreesWithTheSevenStepsOnRandomText() {
        for (long seed = 1; seed <= 200_000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(12); n >= 0; n--) {
                text.append(ALPHABET[random.nextInt(ALPHABET.length)]);
            }
            assertEquals(SplitOracle.deepSeek(text.toString()), split(PreTokenizer.DEEPSEEK, text.toString()), "seed " + seed);
        }
    }

    @Test
    void publishedPunctuationStepCutsAroundAccents() {
        assertEquals(List.of("H", "é", "llo"), split(PreTokenizer.DEEPSEEK, "Héllo"));
        assertEquals(List.of(" é", "lan"), split(PreTokenizer.DEEPSEEK, " élan"));
    }

    @Test
    void keepsClassesApart() {
        assertEquals(List.of("Hello", ",", " y", "'", "all", "!", " How", " 😁", " ?", "我想在", "apple", "工作", "1", "3", "天", "～"),
                split(PreTokenizer.DEEPSEEK, "Hello, y'all! How 😁 ?我想在apple工作13天～"));
        assertEquals(List.of("a", "  ", " b", "\n", "\n", "   ", "7"), split(PreTokenizer.DEEPSEEK, "a   b\n\n   7"));
    }

    static List<String> split(PreTokenizer preTokenizer, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        List<String> pieces = new ArrayList<>();
        for (int at = 0; at < utf8.length; ) {
            int end = preTokenizer.splitter().next(utf8, at, utf8.length);
            pieces.add(new String(utf8, at, end - at, StandardCharsets.UTF_8));
            at = end;
        }
        return pieces;
    }
}
