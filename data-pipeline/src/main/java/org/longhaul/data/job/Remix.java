package org.longhaul.data.job;

/**
 * Which documents go on, how often, and to which split: pure functions of (seed, document id), so that they depend neither
 * on the order of the input nor on how the work was cut.
 */
final class Remix {
    private static final long SAMPLE = 0x5A3C1F;
    private static final long SPLIT = 0x7E11D;
    private static final long ORDER = 0x0DE5;
    private static final long TRAINING = 0x70C3;

    private Remix() {}

    /** A 64-bit hash of id and seed, uniform and independent between purposes. */
    private static long hash(long seed, long purpose, long high, long low) {
        long h = mix(seed * 0x9E3779B97F4A7C15L + purpose);
        h = mix(h ^ high);
        return mix(h + low * 0x9E3779B97F4A7C15L);
    }

    /** Finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
    private static long mix(long z) {
        long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }

    private static double unit(long hash) {
        return (hash >>> 11) * 0x1.0p-53;
    }

    /** How often a training document occurs: the whole part of the weight, and one more with its fraction as probability. */
    static int copies(long seed, double weight, long high, long low) {
        int whole = (int) Math.floor(weight);
        return whole + (unit(hash(seed, SAMPLE, high, low)) < weight - whole ? 1 : 0);
    }

    /** Whether a document, given by the id of its duplicate cluster, is held back for validation. */
    static boolean validation(long seed, double fraction, long clusterHigh, long clusterLow) {
        return unit(hash(seed, SPLIT, clusterHigh, clusterLow)) < fraction;
    }

    /** Whether the tokenizer is trained on a document when it may see only a fraction of the text. */
    static boolean trainsTokenizer(long seed, double fraction, long high, long low) {
        return fraction >= 1 || unit(hash(seed, TRAINING, high, low)) < fraction;
    }

    /** Place of a copy in the global shuffle: ascending unsigned order of this number. */
    static long order(long seed, int copy, long high, long low) {
        return hash(seed + 0x632BE59BD9B4E019L * copy, ORDER, high, low);
    }

    /** The shard that an order number falls into: equal ranges of the number line. */
    static int bucket(long order, int buckets) {
        return (int) Math.multiplyHigh(order >>> 1, (long) buckets << 1);
    }
}
