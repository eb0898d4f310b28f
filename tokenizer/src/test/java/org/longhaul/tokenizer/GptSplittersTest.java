package org.longhaul.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GptSplittersTest {
    private static final String[] ALPHABET = {"a", "B", "s", "t", "ll", "RE", "ve", "m", "D", "'", "'", "\u017F", "é", "中", "ʰ", "1", "9", "½", "Ⅷ", "٣", " ", " ", " ", "\t", "\u00A0",
        "\u2003", "\u3000", "\n", "\r", "\n", ".", "!", "—", "😀", "\u0301", "\u0000", "\u200D", "\u0085"};

    private static String text(long seed) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        for (int n = random.nextInt(14); n >= 0; n--) {
            text.append(ALPHABET[random.nextInt(ALPHABET.length)]);
        }
        return text.toString();
    }

    @Test
    void gpt2AgreesWithItsPattern() {
        for (long seed = 1; seed <= 100_000; seed++) {
            assertEquals(SplitOracle.gpt2(text(seed)), DeepSeekSplitterTest.split(PreTokenizer.GPT2, text(seed)), "seed " + seed);
        }
    }

    @Test
    void cl100kAgreesWithItsPattern() {
        for (long seed = 1; seed <= 40_000; seed++) {
            assertEquals(SplitOracle.cl100k(text(seed), 3), DeepSeekSplitterTest.split(PreTokenizer.CL100K, text(seed)), "seed " + seed);
            assertEquals(SplitOracle.cl100k(text(seed), 1), DeepSeekSplitterTest.split(PreTokenizer.QWEN2, text(seed)), "seed " + seed);
        }
    }

    @Test
    void llama3CutsAsCl100k() {
        assertEquals(List.of("I", "'LL", " pay", " ", "123", "45", " $", "  ", " now", "\n\n", " ", " ok"),
                DeepSeekSplitterTest.split(PreTokenizer.LLAMA3, "I'LL pay 12345 $   now\n\n  ok"));
    }

    @Test
    void everySplitterCoversArbitraryBytes() {
        for (long seed = 1; seed <= 20_000; seed++) {
            Random random = new Random(seed);
            byte[] bytes = new byte[1 + random.nextInt(40)];
            random.nextBytes(bytes);
            for (PreTokenizer preTokenizer : PreTokenizer.values()) {
                for (int at = 0; at < bytes.length; ) {
                    int end = preTokenizer.splitter().next(bytes, at, bytes.length);
                    assertTrue(end > at && end <= bytes.length, preTokenizer + ", seed " + seed);
                    at = end;
                }
            }
        }
    }
}
