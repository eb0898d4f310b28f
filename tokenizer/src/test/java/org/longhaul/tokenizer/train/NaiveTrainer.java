package org.longhaul.tokenizer.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.tokenizer.ByteLevel;

/** The trainer as one would state it: recount all pairs, take the best, merge it everywhere. All 256 bytes are tokens. */
final class NaiveTrainer {
    private NaiveTrainer() {}

    static List<String> train(Map<String, Long> words, int size, int maxTokenLength) {
        Integer[] alphabet = new Integer[256];
        Arrays.setAll(alphabet, b -> b);
        Arrays.sort(alphabet, (a, b) -> ByteLevel.toChar(a) - ByteLevel.toChar(b));
        List<String> tokens = new ArrayList<>();
        for (int b : alphabet) {
            tokens.add(String.valueOf((char) b));
        }
        Map<List<String>, Long> split = new HashMap<>();
        words.forEach((word, count) -> split.put(Arrays.asList(word.split("")), count));
        List<String> merges = new ArrayList<>();
        while (tokens.size() < size) {
            Map<List<String>, Long> pairs = new HashMap<>();
            split.forEach((word, count) -> {
                for (int i = 0; i + 1 < word.size(); i++) {
                    List<String> pair = word.subList(i, i + 2);
                    boolean bytes = pair.get(0).length() + pair.get(1).length() == 2;
                    if (bytes || pair.get(0).length() + pair.get(1).length() < maxTokenLength) {
                        pairs.merge(List.copyOf(pair), count, Long::sum);
                    }
                }
            });
            List<String> best = null;
            for (List<String> pair : pairs.keySet()) {
                if (best == null || better(pair, best, pairs, tokens)) {
                    best = pair;
                }
            }
            if (best == null) {
                break;
            }
            String merged = best.get(0) + best.get(1);
            merges.add(best.get(0) + " " + best.get(1));
            if (!tokens.contains(merged)) {
                tokens.add(merged);
            }
            Map<List<String>, Long> next = new HashMap<>();
            for (Map.Entry<List<String>, Long> entry : split.entrySet()) {
                List<String> word = new ArrayList<>();
                List<String> old = entry.getKey();
                for (int i = 0; i < old.size(); i++) {
                    boolean here = i + 1 < old.size() && old.get(i).equals(best.get(0)) && old.get(i + 1).equals(best.get(1));
                    word.add(here ? merged : old.get(i));
                    i += here ? 1 : 0;
                }
                next.merge(word, entry.getValue(), Long::sum);
            }
            split.clear();
            split.putAll(next);
        }
        return merges;
    }

    private static boolean better(List<String> a, List<String> b, Map<List<String>, Long> pairs, List<String> tokens) {
        int c = Long.compare(pairs.get(a), pairs.get(b));
        if (c == 0) {
            c = Integer.compare(tokens.indexOf(b.get(0)), tokens.indexOf(a.get(0)));
        }
        if (c == 0) {
            c = Integer.compare(tokens.indexOf(b.get(1)), tokens.indexOf(a.get(1)));
        }
        return c > 0;
    }
}
