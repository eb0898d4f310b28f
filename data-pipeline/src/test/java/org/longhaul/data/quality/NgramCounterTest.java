package org.longhaul.data.quality;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The hashed counters against the plain definition over strings. */
class NgramCounterTest {
    private static List<String> tokens(TextView view) {
        List<String> out = new ArrayList<>();
        for (int i = 0; i < view.words().count(); i++) {
            out.add(view.words().word(i));
        }
        return out;
    }

    private static long naiveTop(List<String> words, int n) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (int i = 0; i + n <= words.size(); i++) {
            counts.merge(String.join(" ", words.subList(i, i + n)), 1, Integer::sum);
        }
        long best = 0;
        int most = 0;
        for (Map.Entry<String, Integer> e : counts.entrySet()) {
            if (e.getValue() > most) {
                most = e.getValue();
                best = (long) TextView.length(e.getKey()) * most;
            }
        }
        return best;
    }

    private static long naiveDuplicates(List<String> words, int n) {
        Set<String> seen = new HashSet<>();
        long repeated = 0;
        int i = 0;
        while (i < words.size() - n + 1) {
            String gram = String.join("", words.subList(i, i + n));
            // A separator keeps ["ab","c"] and ["a","bc"] apart; the published walk joins without one.
            String key = String.join("\u0000", words.subList(i, i + n));
            if (seen.add(key)) {
                i++;
            } else {
                repeated += TextView.length(gram);
                i += n;
            }
        }
        return repeated;
    }

    @Test
    void equalsTheDefinitionOnRandomText() {
        NgramCounter counter = new NgramCounter();
        String[] vocabulary = {"a", "bb", "ccc", "the", "😀", "word", ",", "éa", "9"};
        for (int seed = 0; seed < 600; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(seed % 10 == 0 ? 3000 : 60); i > 0; i--) {
                text.append(vocabulary[random.nextInt(1 + random.nextInt(vocabulary.length))]).append(' ');
            }
            TextView view = new TextView(text.toString(), "");
            List<String> words = tokens(view);
            counter.load(view);
            for (int n = 2; n <= 10; n++) {
                assertEquals(naiveTop(words, n), counter.topNgramCharacters(n), "seed " + seed + " n " + n);
                assertEquals(naiveDuplicates(words, n), counter.duplicateNgramCharacters(n), "seed " + seed + " n " + n);
            }
        }
    }
}
