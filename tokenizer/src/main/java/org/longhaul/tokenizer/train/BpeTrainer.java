package org.longhaul.tokenizer.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.longhaul.tokenizer.ByteLevel;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.SpecialTokens;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.TrainedVocabulary;

/**
 * Learns byte-pair merges from word counts, merge for merge as Hugging Face's {@code BpeTrainer} does: the pair with the highest
 * count first, of equal counts the one with the lowest (left id, right id), where the alphabet is numbered by its
 * byte-level characters. Counts have 64 bits (theirs wrap at 2^31). Memory: 4 bytes a byte of distinct words, and 4 bytes for every
 * place of a pair that is followed; rare pairs are not before their time.
 */
public final class BpeTrainer {
    private final BpeTrainingConfig config;
    private final TrainingTokens tokens;
    private final List<int[]> merges = new ArrayList<>();

    private BpeTrainer(BpeTrainingConfig config) {
        this.config = config;
        tokens = new TrainingTokens(config.vocabularySize(), config.maxTokenLength());
    }

    /** How far a training is. */
    public interface Progress {
        /** Called after every merge, from the thread that trains. */
        void merged(State state);
    }

    /**
     * A training after a merge.
     *
     * @param tokens tokens there are, of {@code wanted}
     * @param wanted tokens wanted
     * @param count how often the merged pair occurred
     * @param merges all merges so far, as (left, right, result); valid during the call
     */
    public record State(int tokens, int wanted, long count, List<int[]> merges) {}

    /** Trains without progress. */
    public static TrainedVocabulary train(WordCounts counts, BpeTrainingConfig config, PreTokenizer preTokenizer) {
        return train(counts, config, preTokenizer, List.of(), state -> {});
    }

    /**
     * Trains until the vocabulary has the size wanted or no pair is left that occurs often enough; the result may be smaller than wanted.
     *
     * @param preTokenizer the one that cut the words; goes into the result
     * @param earlier merges that a training on the same counts and settings has already made; the result is the same with or without
     */
    public static TrainedVocabulary train(WordCounts counts, BpeTrainingConfig config, PreTokenizer preTokenizer, List<int[]> earlier,
            Progress progress) {
        BpeTrainer trainer = new BpeTrainer(config);
        TrainingWords words = trainer.load(counts, trainer.alphabet(counts), earlier, preTokenizer);
        // The trainer has its own form of the words; the table they came in need not live as long.
        counts = null;
        try (Crew crew = new Crew(config.threads())) {
            new MergeLoop(config, trainer.tokens, words, trainer.merges, crew).run(progress);
        }
        return trainer.vocabulary(preTokenizer);
    }

    private TrainedVocabulary vocabulary(PreTokenizer preTokenizer) {
        int[][] m = merges.toArray(new int[0][]);
        return new TrainedVocabulary(preTokenizer, tokens.toArray(), Arrays.stream(m).mapToInt(x -> x[0]).toArray(),
                Arrays.stream(m).mapToInt(x -> x[1]).toArray(), Arrays.stream(m).mapToInt(x -> x[2]).toArray());
    }

    /** Makes the base tokens and returns the symbol of every byte, -1 for those outside the alphabet. */
    private int[] alphabet(WordCounts counts) {
        boolean[] seen = new boolean[256];
        if (config.alphabet() == BpeTrainingConfig.Alphabet.LEARNED) {
            counts.forEach((bytes, from, length, count) -> {
                for (int i = from; i < from + length; i++) {
                    seen[bytes[i] & 0xFF] = true;
                }
            });
        }
        int[] byChar = java.util.stream.IntStream.range(0, 256).boxed().sorted((a, b) -> ByteLevel.toChar(a) - ByteLevel.toChar(b))
                .mapToInt(b -> b).toArray();
        int[] symbolOfByte = new int[256];
        Arrays.fill(symbolOfByte, -1);
        for (int b : byChar) {
            if (config.alphabet().contains(b, seen[b]) && tokens.size() < tokens.capacity()) {
                symbolOfByte[b] = tokens.add(new byte[] {(byte) b});
            }
        }
        return symbolOfByte;
    }

    /** Takes the words in, as bytes, or as what the earlier merges make of them. */
    private TrainingWords load(WordCounts counts, int[] symbolOfByte, List<int[]> earlier, PreTokenizer preTokenizer) {
        if (earlier.isEmpty()) {
            return TrainingWords.of(counts, symbolOfByte, tokens, null);
        }
        for (int[] merge : earlier) {
            if (merge[0] >= tokens.size() || merge[1] >= tokens.size() || tokens.size() >= tokens.capacity()
                    || tokens.join(merge[0], merge[1]) != merge[2]) {
                throw new IllegalArgumentException("the earlier merges are not of a training with these settings");
            }
            merges.add(merge.clone());
        }
        Tokenizer tokenizer = vocabulary(preTokenizer).tokenizer(new SpecialTokens("", "", List.of(), false));
        return TrainingWords.of(counts, symbolOfByte, tokens, (bytes, length, symbols) -> tokenizer.encodePiece(bytes, 0, length, symbols));
    }
}
