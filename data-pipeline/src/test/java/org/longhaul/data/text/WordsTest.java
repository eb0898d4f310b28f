package org.longhaul.data.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WordsTest {
    private static List<String> words(String text) {
        Words words = Words.of(text);
        List<String> out = new ArrayList<>();
        for (int i = 0; i < words.count(); i++) {
            out.add(words.word(i));
        }
        return out;
    }

    @Test
    void wordsOfSpacedScripts() {
        assertEquals(List.of("The", "quick", "(", "brown", ")", "fox", "can't", "jump", "1,234.5", "feet", ",", "right", "?"),
                words("The quick (brown) fox can't jump 1,234.5 feet, right?"));
        assertEquals(List.of("well-known", "...", "a", "-", "b", "--", "c", "###"), words("well-known... a - b -- c ###"));
        assertEquals(List.of("मैं", "हिन्दी", "।"), words("मैं हिन्दी।"));
        assertEquals(List.of("한국어", "문장", "입니다", "."), words("한국어 문장 입니다."));
        assertEquals(List.of("می\u200Cخواهم"), words("می\u200Cخواهم"));
    }

    @Test
    void wordsOfUnspacedScripts() {
        assertEquals(List.of("欲", "出", "，", "千", "山"), words("欲出，千山"));
        assertEquals(List.of("カタカナ", "と", "漢", "字", "。"), words("カタカナと漢字。"));
        assertEquals(List.of("ที่", "นี่"), words("ที่นี่"));
        assertEquals(List.of("\uD840\uDC0B", "x"), words("\uD840\uDC0Bx"));
        assertTrue(Words.of("中文 text 很多字").unsegmentedShare() > 0.5);
        assertEquals(0, Words.of("no such thing").unsegmentedShare());
    }

    @Test
    void spansCoverEverythingButSpace() {
        int[] points = "aB9 '’-.,#\n\t中かアーท่é\u0301😀€\u200D한".codePoints().toArray();
        for (int seed = 0; seed < 5000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(40); i > 0; i--) {
                text.appendCodePoint(points[random.nextInt(points.length)]);
            }
            Words words = Words.of(text.toString());
            int at = 0;
            for (int i = 0; i < words.count(); i++) {
                assertTrue(words.start(i) >= at && words.end(i) > words.start(i), "seed " + seed);
                assertTrue(text.substring(at, words.start(i)).isBlank(), "seed " + seed);
                assertFalse(words.word(i).chars().anyMatch(Character::isWhitespace), "seed " + seed);
                at = words.end(i);
            }
            assertTrue(text.substring(at).isBlank(), "seed " + seed);
        }
    }
}
