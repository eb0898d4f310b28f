package org.longhaul.tokenizer.train;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/**
 * What to learn from word counts.
 *
 * @param vocabularySize tokens to learn, base alphabet included, special tokens not
 * @param minFrequency a pair that occurs less often is not merged; 0 and 1 are the same
 * @param maxTokenLength pairs form only below this combined length in bytes, except pairs of single bytes; as in Hugging Face's trainer
 * @param alphabet which bytes are tokens from the start
 * @param threads threads for large merges
 */
@Doc("Byte-pair merges learnt from word counts.")
public record BpeTrainingConfig(
        @Default("100000") @Doc("Tokens to learn, base alphabet included, special tokens not.") int vocabularySize,
        @Default("0") @Doc("A pair that occurs less often is not merged.") long minFrequency,
        @Default("2147483647") @Doc("Tokens stay shorter than this, in bytes.") int maxTokenLength,
        @Default("utf8") @Doc("Bytes that are tokens from the start: utf8 (the 243 that UTF-8 contains), bytes (all 256), learned (those seen).")
                Alphabet alphabet,
        @Default("1") @Doc("Threads for large merges.") int threads) {
    /** Which bytes are tokens from the start. */
    public enum Alphabet {
        /** The 243 bytes that UTF-8 can contain, as in DeepSeek LLM's vocabulary; others in the data are ignored. */
        UTF8,
        /** All 256. */
        BYTES,
        /** Those that the data contains. */
        LEARNED;

        boolean contains(int b, boolean seen) {
            return switch (this) {
                case UTF8 -> b != 0xC0 && b != 0xC1 && b < 0xF5;
                case BYTES -> true;
                case LEARNED -> seen;
            };
        }
    }

    public BpeTrainingConfig {
        int least = alphabet == Alphabet.UTF8 ? 243 : alphabet == Alphabet.BYTES ? 256 : 1;
        if (vocabularySize < least) {
            throw new IllegalArgumentException("vocabulary_size must be at least " + least + ", the size of alphabet "
                    + alphabet.name().toLowerCase(java.util.Locale.ROOT) + ": " + vocabularySize);
        }
        if (minFrequency < 0) {
            throw new IllegalArgumentException("min_frequency must be 0 or more: " + minFrequency);
        }
        if (maxTokenLength < 2) {
            throw new IllegalArgumentException("max_token_length must be 2 or more: " + maxTokenLength);
        }
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be 1 or more: " + threads);
        }
    }

    /** The same with another number of threads, which the result does not depend on. */
    public BpeTrainingConfig withThreads(int number) {
        return new BpeTrainingConfig(vocabularySize, minFrequency, maxTokenLength, alphabet, number);
    }

    /** DeepSeek LLM's settings with another size and number of threads. */
    public static BpeTrainingConfig of(int vocabularySize, int threads) {
        return new BpeTrainingConfig(vocabularySize, 0, Integer.MAX_VALUE, Alphabet.UTF8, threads);
    }
}
