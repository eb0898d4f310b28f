package org.longhaul.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.longhaul.tokenizer.ByteLevel;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.TrainedVocabulary;

class BpeTrainerTest {
    private static final int ANY = Integer.MAX_VALUE;

    @Test
    void tiesGoToTheLowestPairOfIds() {
        List<String> merges = train(Map.of("ab", 1L, " cd", 1L, " ef", 1L, " gh", 1L), 256 + 6, ANY,
                BpeTrainingConfig.Alphabet.BYTES);
        assertEquals(List.of("a b", "c d", "e f", "g h", "Ġ cd", "Ġ ef"), merges);
    }

    @Test
    void runsOfOneLetterMergeFromTheLeft() {
        List<String> merges = train(Map.of("aaaa", 2L, "aaaaaa", 2L, "aaaaa", 3L), 1 + 4, ANY,
                BpeTrainingConfig.Alphabet.LEARNED);
        assertEquals(List.of("a a", "aa aa", "aaaa a", "aaaa aa"), merges);
    }

    @Test
    void maxTokenLengthSparesPairsOfBytesAndIsExclusive() {
        Map<String, Long> words = Map.of("abcdefgh", 10L);
        assertEquals(2, longest(train(words, 300, 3, BpeTrainingConfig.Alphabet.BYTES)));
        assertEquals(4, longest(train(words, 300, 5, BpeTrainingConfig.Alphabet.BYTES)));
        assertEquals(8, longest(train(words, 300, ANY, BpeTrainingConfig.Alphabet.BYTES)));
    }

    private static int longest(List<String> merges) {
        return merges.stream().mapToInt(m -> m.length() - 1).max().orElse(0);
    }

    @Test
    void minFrequencyStopsEarly() {
        TrainedVocabulary v = BpeTrainer.train(counts(Map.of("ab", 3L, "cd", 2L)),
                new BpeTrainingConfig(300, 3, ANY, BpeTrainingConfig.Alphabet.BYTES, 1), PreTokenizer.DEEPSEEK);
        assertEquals(257, v.tokens().length);
    }

    @Test
    void countsBeyond31BitsKeepTheirOrder() {
        List<String> merges = train(Map.of("ab", 3L << 31, "cd", 5L << 31, "ef", 1L), 258, ANY, BpeTrainingConfig.Alphabet.BYTES);
        assertEquals(List.of("c d", "a b"), merges);
    }

    @Test
    void alphabetOfUtf8IsNumberedLikeDeepSeeks() {
        TrainedVocabulary v = BpeTrainer.train(counts(Map.of("ab", 1L)), BpeTrainingConfig.of(244, 1), PreTokenizer.DEEPSEEK);
        assertEquals(244, v.tokens().length);
        assertArrayEquals(new byte[] {'0'}, v.tokens()[15]);
        assertArrayEquals(new byte[] {'\t'}, v.tokens()[184]);
        assertArrayEquals(new byte[] {'\n'}, v.tokens()[185]);
        assertArrayEquals(new byte[] {' '}, v.tokens()[207]);
    }

    @Test
    void vocabularySmallerThanTheAlphabetIsRefused() {
        assertEquals("vocabulary_size must be at least 243, the size of alphabet utf8: 100",
                assertThrows(IllegalArgumentException.class, () -> BpeTrainingConfig.of(100, 1)).getMessage());
    }

    @Test
    void agreesWithTheNaiveTrainerOnRandomWords() {
        for (long seed = 1; seed <= 60; seed++) {
            Random random = new Random(seed);
            Map<String, Long> words = new TreeMap<>();
            int letters = 1 + random.nextInt(5);
            for (int i = 0; i < 1 + random.nextInt(60); i++) {
                StringBuilder word = new StringBuilder();
                for (int n = random.nextInt(14); n >= 0; n--) {
                    word.append((char) ('a' + random.nextInt(letters)));
                }
                words.merge(word.toString(), 1L + random.nextInt(4), Long::sum);
            }
            int maxLength = random.nextInt(3) == 0 ? 2 + random.nextInt(8) : ANY;
            int size = 256 + random.nextInt(80);
            List<String> expected = NaiveTrainer.train(words, size, maxLength);
            BpeTrainingConfig config = new BpeTrainingConfig(size, 0, maxLength, BpeTrainingConfig.Alphabet.BYTES, 1 + random.nextInt(3));
            List<int[]> all = new ArrayList<>();
            assertEquals(expected, spelled(BpeTrainer.train(counts(words), config, PreTokenizer.DEEPSEEK, List.of(), state -> {
                all.clear();
                all.addAll(state.merges());
            })), "seed " + seed);
            List<int[]> earlier = all.subList(0, random.nextInt(all.size() + 1));
            assertEquals(expected, spelled(BpeTrainer.train(counts(words), config, PreTokenizer.DEEPSEEK, earlier, state -> {})),
                    "seed " + seed + " after " + earlier.size() + " merges");
        }
    }

    @Test
    void threadsAndStopsChangeNothing() {
        Random random = new Random(5);
        Map<String, Long> words = new TreeMap<>();
        while (words.size() < 60_000) {
            StringBuilder word = new StringBuilder();
            for (int n = 2 + random.nextInt(8); n > 0; n--) {
                word.append((char) ('a' + (int) Math.abs(random.nextGaussian() * 4)));
            }
            words.merge(word.toString(), 1L, Long::sum);
        }
        List<int[]> all = new ArrayList<>();
        List<String> expected = spelled(BpeTrainer.train(counts(words), BpeTrainingConfig.of(1500, 1), PreTokenizer.DEEPSEEK, List.of(), state -> {
            all.clear();
            all.addAll(state.merges());
        }));
        for (int threads : new int[] {2, 3, 4}) {
            assertEquals(expected, spelled(BpeTrainer.train(counts(words), BpeTrainingConfig.of(1500, threads), PreTokenizer.DEEPSEEK)), threads + " threads");
        }
        for (int stop : new int[] {1, 200, 500, 1257}) {
            assertEquals(expected, spelled(BpeTrainer.train(counts(words), BpeTrainingConfig.of(1500, 3), PreTokenizer.DEEPSEEK,
                    all.subList(0, stop), state -> {})), "stopped after " + stop);
        }
    }

    @Test
    void mergesOfOtherSettingsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> BpeTrainer.train(counts(Map.of("ab", 1L)), BpeTrainingConfig.of(300, 1),
                PreTokenizer.DEEPSEEK, List.of(new int[] {0, 1, 7}), state -> {}));
    }

    private static List<String> train(Map<String, Long> words, int size, int maxLength, BpeTrainingConfig.Alphabet alphabet) {
        return spelled(BpeTrainer.train(counts(words), new BpeTrainingConfig(size, 0, maxLength, alphabet, 1), PreTokenizer.DEEPSEEK));
    }

    private static List<String> spelled(TrainedVocabulary v) {
        List<String> merges = new ArrayList<>();
        for (int i = 0; i < v.left().length; i++) {
            merges.add(ByteLevel.spell(v.tokens()[v.left()[i]]) + " " + ByteLevel.spell(v.tokens()[v.right()[i]]));
        }
        return merges;
    }

    static WordCounts counts(Map<String, Long> words) {
        return visitor -> new LinkedHashMap<>(words).forEach((word, count) -> {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            visitor.word(bytes, 0, bytes.length, count);
        });
    }
}
