package org.longhaul.data.dedup;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Parameters of {@link MinHasher}. */
@Doc("MinHash with banding: two documents of shingle similarity s meet in a bucket with probability 1-(1-s^rows)^bands.")
public record MinHashSettings(
        @Doc("fast (own hashing, versioned) or datatrove (bit-exact with datatrove's hashes; English-like texts).")
                @Default("fast")
                Mode mode,
        @Doc("Bands.") @Default("14") int bands,
        @Doc("Hashes a band.") @Default("8") int rows,
        @Doc("Words of a shingle.") @Default("5") int wordShingle,
        @Doc("Characters of a shingle where the script has no spaces; fast mode only.") @Default("5")
                int characterShingle,
        @Doc("Hash of a shingle in datatrove mode: xxh64 or sha1 (FineWeb's choice).") @Default("xxh64")
                ShingleHash shingleHash)
        implements Serializable {

    /** How texts become hashes. */
    public enum Mode {
        /** Rolling token hashes without building strings. */
        FAST,
        /** The hashes that datatrove computes from the same tokens. */
        DATATROVE
    }

    /** Hash functions of datatrove mode. */
    public enum ShingleHash {
        /** XXH64, seed 0. */
        XXH64,
        /** First eight bytes of SHA-1, little endian. */
        SHA1
    }

    /** Checks ranges. */
    public MinHashSettings {
        positive("bands", bands, 1000);
        positive("rows", rows, 1000);
        positive("word_shingle", wordShingle, 100);
        positive("character_shingle", characterShingle, 100);
    }

    private static void positive(String key, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(key + " must be between 1 and " + most + ": " + value);
        }
    }

    /** The defaults: FineWeb's 14 bands of 8. */
    public static MinHashSettings defaults() {
        return new MinHashSettings(Mode.FAST, 14, 8, 5, 5, ShingleHash.XXH64);
    }

    /** Probability that two documents of the given shingle similarity meet in at least one bucket. */
    public double detectionProbability(double similarity) {
        return 1 - Math.pow(1 - Math.pow(similarity, rows), bands);
    }
}
