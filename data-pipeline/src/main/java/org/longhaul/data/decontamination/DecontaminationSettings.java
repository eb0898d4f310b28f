package org.longhaul.data.decontamination;

import java.io.Serializable;
import java.util.Map;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Which benchmarks must not occur in the training text, and what happens where they do. */
@Doc("Removal of documents that contain benchmark questions, by n-grams of folded words.")
public record DecontaminationSettings(
        @Doc("Benchmarks by name: file, folder or glob (.jsonl, .json, .csv, .tsv, .txt, each also .gz, .zst, .bz2); none turns the stage off.")
                @Default("{}")
                Map<String, String> benchmarks,
        @Doc("Words of an n-gram.") @Default("13") int wordNgram,
        @Doc("Characters of an n-gram where the script has no spaces.") @Default("20") int characterNgram,
        @Doc("Fewest words or characters of a shorter benchmark text, which is then looked for as a whole.") @Default("8")
                int minTokens,
        @Doc("What happens to a match: drop_document or cut_lines.") @Default("drop_document") Action action)
        implements Serializable {

    /** What happens to a match. */
    public enum Action {
        /** The document goes. */
        DROP_DOCUMENT,
        /** The lines that the match touches go; a document with nothing left goes too. */
        CUT_LINES
    }

    /** Checks ranges. */
    public DecontaminationSettings {
        benchmarks = Map.copyOf(benchmarks);
        if (minTokens < 2) {
            throw new IllegalArgumentException("min_tokens must be at least 2: " + minTokens);
        }
        if (wordNgram < minTokens || wordNgram > 200) {
            throw new IllegalArgumentException("word_ngram must be between min_tokens and 200: " + wordNgram);
        }
        if (characterNgram < minTokens || characterNgram > 200) {
            throw new IllegalArgumentException("character_ngram must be between min_tokens and 200: " + characterNgram);
        }
    }

    /** The defaults: no benchmarks. */
    public static DecontaminationSettings defaults() {
        return new DecontaminationSettings(Map.of(), 13, 20, 8, Action.DROP_DOCUMENT);
    }
}
