package org.longhaul.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NearestMatchTest {
    private static final List<String> WORDS = List.of("train", "tokenizer", "data", "doctor", "micro_batch", "lr", "min_lr", "--stop-after");

    @Test
    void typosFindTheirWord() {
        assertEquals(Optional.of("train"), NearestMatch.of("trian", WORDS));
        assertEquals(Optional.of("train"), NearestMatch.of("Trainn", WORDS));
        assertEquals(Optional.of("tokenizer"), NearestMatch.of("tokeniser", WORDS));
        assertEquals(Optional.of("tokenizer"), NearestMatch.of("tok", WORDS));
        assertEquals(Optional.of("micro_batch"), NearestMatch.of("micro-batch", WORDS));
        assertEquals(Optional.of("micro_batch"), NearestMatch.of("microBatch", WORDS));
        assertEquals(Optional.of("--stop-after"), NearestMatch.of("--stopafter", WORDS));
        assertEquals(Optional.of("lr"), NearestMatch.of("lrr", WORDS));
    }

    @Test
    void farWordsFindNothing() {
        assertEquals(Optional.empty(), NearestMatch.of("sparkle", WORDS));
        assertEquals(Optional.empty(), NearestMatch.of("x", WORDS));
        assertEquals(Optional.empty(), NearestMatch.of("", WORDS));
        assertEquals("", NearestMatch.hint("sparkle", WORDS));
        assertEquals("; did you mean 'data'?", NearestMatch.hint("dta", WORDS));
    }

    @Test
    void distanceEqualsTheRecursiveDefinition() {
        Random random = new Random(7);
        for (int i = 0; i < 2000; i++) {
            String a = word(random);
            String b = word(random);
            assertEquals(naive(a, b), NearestMatch.distance(a, b), a + " " + b);
        }
    }

    private static String word(Random random) {
        StringBuilder word = new StringBuilder();
        for (int i = random.nextInt(7); i > 0; i--) {
            word.append((char) ('a' + random.nextInt(3)));
        }
        return word.toString();
    }

    private static int naive(String a, String b) {
        if (a.isEmpty() || b.isEmpty()) {
            return a.length() + b.length();
        }
        int m = a.length() - 1;
        int n = b.length() - 1;
        int least = Math.min(Math.min(naive(a.substring(0, m), b), naive(a, b.substring(0, n))) + 1,
                naive(a.substring(0, m), b.substring(0, n)) + (a.charAt(m) == b.charAt(n) ? 0 : 1));
        if (m > 0 && n > 0 && a.charAt(m) == b.charAt(n - 1) && a.charAt(m - 1) == b.charAt(n)) {
            least = Math.min(least, naive(a.substring(0, m - 1), b.substring(0, n - 1)) + 1);
        }
        return least;
    }
}
