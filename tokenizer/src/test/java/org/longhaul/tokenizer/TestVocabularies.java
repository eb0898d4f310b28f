package org.longhaul.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.longhaul.tokenizer.train.BpeTrainer;
import org.longhaul.tokenizer.train.BpeTrainingConfig;
import org.longhaul.tokenizer.train.WordCounts;

/** Small vocabularies learnt from invented text of several scripts. */
final class TestVocabularies {
    private static final String[] SYLLABLES = {"the", "in", "er", "tion", "aa", "aaa", "ab", "ba", "é", "ñ", "中", "国", "我们", "の", "です", "한", "Ж", "да", "x", "=", "==",
        "--", "  ", " ", "1", "23", "😀", "ش", "\n", "\t", "'s", "."};

    private TestVocabularies() {}

    static String text(Random random, int syllables) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < syllables; i++) {
            double r = random.nextDouble();
            text.append(SYLLABLES[(int) (r * r * SYLLABLES.length)]);
            if (random.nextInt(4) == 0) {
                text.append(' ');
            }
        }
        return text.toString();
    }

    static TrainedVocabulary train(PreTokenizer preTokenizer, int size, long seed) {
        byte[] text = text(new Random(seed), 40_000).getBytes(StandardCharsets.UTF_8);
        Map<String, Long> words = new HashMap<>();
        for (int at = 0; at < text.length; ) {
            int end = preTokenizer.splitter().next(text, at, text.length);
            words.merge(new String(text, at, end - at, StandardCharsets.UTF_8), 1L, Long::sum);
            at = end;
        }
        WordCounts counts = visitor -> words.forEach((word, count) -> {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            visitor.word(bytes, 0, bytes.length, count);
        });
        return BpeTrainer.train(counts, BpeTrainingConfig.of(size, 1), preTokenizer);
    }
}
