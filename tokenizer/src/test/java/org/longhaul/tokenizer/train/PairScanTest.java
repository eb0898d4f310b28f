package org.longhaul.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Words, counts and lists of positions beside the obvious way to get them. */
class PairScanTest {
    @Test
    void countsAndPositionsAreRightWhateverTheNumberOfWorkers() {
        for (int longest : new int[] {1, 3}) {
            for (int most : new int[] {Integer.MAX_VALUE, 4}) {
                long seed = 7 + longest;
                Data data = new Data(seed, longest, most);
                assertTrue(longest == 1 || data.tokens.size() > 1024, "hashed tables are tried");
                for (int workers = 1; workers <= 4; workers++) {
                    data.check(workers, 1, "seed " + seed + ", workers " + workers);
                    data.check(workers, 50, "seed " + seed + ", workers " + workers);
                }
            }
        }
    }

    @Test
    void listsAreCutBetweenWords() {
        TrainingWords trained = new Data(1, 1, Integer.MAX_VALUE).trained;
        int[] all = new int[(int) trained.cells()];
        int n = 0;
        for (int at = 0; at < trained.cells(); at++) {
            if (trained.at(at) >= 0) {
                all[n++] = at;
            }
        }
        for (int from = 1; from < n; from += 37) {
            int index = trained.cut(all, from, n);
            assertTrue(index == n || trained.at(all[index] - 1) == TrainingWords.END);
            for (int i = from; i < index; i++) {
                assertTrue(trained.at(all[i] - 1) != TrainingWords.END, "no earlier place");
            }
        }
    }

    /** Words cut at random into symbols. */
    private static final class Data {
        private static final String LETTERS = "abcdefghijkl";

        private final int[] symbolOfByte = new int[256];
        private final TrainingTokens tokens;
        private final Map<String, Long> words = new TreeMap<>();
        /** Each word in symbols, and how often it occurs. */
        private final List<Map.Entry<List<Integer>, Long>> cut = new ArrayList<>();
        private final TrainingWords trained;

        /** Symbols of up to {@code longest} letters, of which there are many. */
        Data(long seed, int longest, int maxTokenLength) {
            Random random = new Random(seed);
            tokens = new TrainingTokens(4000, maxTokenLength);
            List<String> names = new ArrayList<>(List.of(""));
            java.util.Arrays.fill(symbolOfByte, -1);
            for (int i = 0; i < names.size(); i++) {
                for (char letter : LETTERS.toCharArray()) {
                    String name = names.get(i) + letter;
                    if (name.length() <= longest) {
                        names.add(name);
                        int id = tokens.add(name.getBytes(StandardCharsets.UTF_8));
                        if (name.length() == 1) {
                            symbolOfByte[letter] = id;
                        }
                    }
                }
            }
            for (int i = 0; i < 4000; i++) {
                StringBuilder word = new StringBuilder();
                for (int n = random.nextInt(12); n >= 0; n--) {
                    word.append(random.nextInt(20) == 0 ? '-' : LETTERS.charAt((int) Math.min(11, Math.abs(random.nextGaussian() * 3))));
                }
                words.merge(word.toString(), random.nextInt(30) == 0 ? 1L + random.nextInt(100_000) : 1L + random.nextInt(3), Long::sum);
            }
            WordCounts counts = BpeTrainerTest.counts(words);
            trained = TrainingWords.of(counts, symbolOfByte, tokens, longest == 1 ? null : (bytes, length, symbols) -> {
                String word = new String(bytes, 0, length, StandardCharsets.UTF_8);
                for (int at = 0; at < length; ) {
                    int size = Math.min(length - at, 1 + random.nextInt(longest));
                    symbols.add(names.indexOf(word.substring(at, at + size)) - 1);
                    at += size;
                }
            });
            read();
        }

        /** Walks the cells one by one. */
        private void read() {
            List<Integer> word = new ArrayList<>();
            Map<String, Long> found = new TreeMap<>();
            StringBuilder spelled = new StringBuilder();
            for (int at = 1; at < trained.cells(); at++) {
                int symbol = trained.at(at);
                if (symbol == TrainingWords.END) {
                    cut.add(Map.entry(List.copyOf(word), trained.counts.at(at)));
                    found.put(spelled.toString(), found.getOrDefault(spelled.toString(), 0L) + trained.counts.at(at));
                    word.clear();
                    spelled.setLength(0);
                } else {
                    word.add(symbol);
                    spelled.append(new String(tokens.toArray()[symbol], StandardCharsets.UTF_8));
                    int last = at + tokens.lengths[symbol] - 1;
                    assertEquals(symbol, trained.at(last));
                    at = last;
                }
            }
            Map<String, Long> expected = new TreeMap<>();
            words.forEach((text, count) -> {
                String kept = text.replace("-", "");
                if (kept.length() > 1) {
                    expected.merge(kept, count, Long::sum);
                }
            });
            assertEquals(expected, found);
        }

        private Map<Long, Long> naive(long threshold) {
            Map<Long, Long> counts = new HashMap<>();
            cut.forEach(word -> {
                for (int i = 0; i + 1 < word.getKey().size(); i++) {
                    counts.merge(PairTable.pair(word.getKey().get(i), word.getKey().get(i + 1)), word.getValue(), Long::sum);
                }
            });
            counts.keySet().removeIf(pair -> !tokens.mayMerge(PairTable.left(pair), PairTable.right(pair)));
            counts.values().removeIf(count -> count < threshold);
            return counts;
        }

        private void check(int workers, long threshold, String where) {
            try (Crew crew = new Crew(workers)) {
                PairScan scan = new PairScan(trained, tokens, crew);
                Map<Long, Long> expected = naive(threshold);
                assertEquals(expected.values().stream().max(Long::compare).orElse(0L), scan.most(), where);
                PairTable pairs = scan.atLeast(threshold);
                Map<Long, Long> found = new HashMap<>();
                pairs.forEach(found::put);
                assertEquals(expected, found, where);
                IntArena lists = new IntArena();
                MergeQueue queue = new MergeQueue();
                scan.list(pairs, lists, queue);
                assertEquals(expected.size(), queue.size());
                long before = Long.MAX_VALUE;
                while (!queue.isEmpty()) {
                    long pair = queue.topPair();
                    assertTrue(queue.topCount() <= before);
                    before = queue.topCount();
                    long sum = 0;
                    int last = 0;
                    for (int i = 0; i < queue.topLength(); i++) {
                        int position = lists.chunk(queue.topList())[IntArena.index(queue.topList()) + i];
                        assertTrue(position > last, where);
                        last = position;
                        assertEquals(PairTable.left(pair), trained.at(position));
                        assertEquals(PairTable.right(pair), trained.at(position + tokens.lengths[PairTable.left(pair)]));
                        sum += trained.counts.at(position);
                    }
                    assertEquals(expected.get(pair), sum, where);
                    queue.pop();
                }
            }
        }
    }
}
