package org.longhaul.data.decontamination;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.data.text.FoldedTokens;

/**
 * The n-grams of benchmark texts by 64-bit hash, those of which at least half the tokens are words. A text of at least n tokens gives all its n-grams, a shorter one of at least
 * {@code minTokens} gives itself. A document is scanned with one look-up a token: only where the first {@code minTokens} tokens of
 * some n-gram occur are the longer lengths tried. Building is for one thread; a built index is thread-safe.
 */
public final class BenchmarkIndex {
    private final int wordNgram;
    private final int characterNgram;
    private final int minTokens;
    private final HashTable prefixes = new HashTable();
    private final HashTable grams = new HashTable();
    private final List<String> names = new ArrayList<>();
    private final boolean[] lengths = new boolean[201];
    private final ThreadLocal<Scan> scans = ThreadLocal.withInitial(Scan::new);
    private long tooShort;
    private long texts;

    /** An empty index. */
    public BenchmarkIndex(int wordNgram, int characterNgram, int minTokens) {
        this.wordNgram = wordNgram;
        this.characterNgram = characterNgram;
        this.minTokens = minTokens;
    }

    /** A place where a document repeats a benchmark, in UTF-16 units of the text. */
    public record Match(int start, int end, String benchmark) {}

    /** Adds one text of a benchmark. */
    public void add(String benchmark, String text) {
        int name = names.indexOf(benchmark);
        if (name < 0) {
            name = names.size();
            names.add(benchmark);
        }
        Scan scan = scans.get();
        scan.load(text);
        int n = Math.min(scan.tokens.count(), scan.tokens.shingleSize(wordNgram, characterNgram));
        if (n < minTokens) {
            tooShort++;
            return;
        }
        texts++;
        lengths[n] = true;
        for (int i = 0; i + n <= scan.tokens.count(); i++) {
            // Digit runs fold to one token: a row of numbers would be found in every table.
            if (2 * scan.words(text, i, n) < n) {
                continue;
            }
            prefixes.put(scan.hash(i, minTokens), 0);
            grams.put(scan.hash(i, n), name);
        }
    }

    /** Texts that were indexed. */
    public long texts() {
        return texts;
    }

    /** Texts with fewer than {@code minTokens} tokens, which cannot be looked for. */
    public long tooShort() {
        return tooShort;
    }

    /** Depends on what was indexed and not on the order: tells whether two runs looked for the same benchmarks. */
    public String fingerprint() {
        return names.stream().sorted().toList() + " " + wordNgram + " " + characterNgram + " " + minTokens + " "
                + Long.toHexString(grams.sum());
    }

    /** Different n-grams. */
    public int ngrams() {
        return grams.size();
    }

    /** The matches of a text in order; overlapping ones of one benchmark are joined. */
    public List<Match> matches(String text) {
        Scan scan = scans.get();
        scan.load(text);
        List<Match> found = new ArrayList<>();
        int count = scan.tokens.count();
        for (int i = 0; i + minTokens <= count; i++) {
            if (prefixes.get(scan.hash(i, minTokens)) < 0) {
                continue;
            }
            for (int n = Math.min(lengths.length - 1, count - i); n >= minTokens; n--) {
                int name = lengths[n] ? grams.get(scan.hash(i, n)) : -1;
                if (name >= 0) {
                    join(found, new Match(scan.tokens.start(i), scan.tokens.end(i + n - 1), names.get(name)));
                    break;
                }
            }
        }
        return found;
    }

    private static void join(List<Match> found, Match match) {
        int last = found.size() - 1;
        if (last >= 0 && found.get(last).end() >= match.start() && found.get(last).benchmark().equals(match.benchmark())) {
            Match before = found.get(last);
            found.set(last, new Match(before.start(), Math.max(before.end(), match.end()), match.benchmark()));
        } else {
            found.add(match);
        }
    }

    /** Tokens of one text with prefix hashes, so that the hash of any run of tokens costs the same. */
    private static final class Scan {
        private static final long[] POWERS = powers();

        private final FoldedTokens tokens = new FoldedTokens();
        private long[] prefix = new long[256];

        private static long[] powers() {
            long[] powers = new long[202];
            powers[0] = 1;
            for (int i = 1; i < powers.length; i++) {
                powers[i] = powers[i - 1] * FoldedTokens.TOKEN;
            }
            return powers;
        }

        void load(String text) {
            tokens.load(text);
            if (prefix.length <= tokens.count()) {
                prefix = new long[Integer.highestOneBit(tokens.count()) * 2 + 1];
            }
            for (int i = 0; i < tokens.count(); i++) {
                prefix[i + 1] = prefix[i] * FoldedTokens.TOKEN + tokens.hash(i);
            }
        }

        /** How many of the n tokens have a letter. */
        int words(String text, int from, int n) {
            int words = 0;
            for (int i = from; i < from + n; i++) {
                words += text.substring(tokens.start(i), tokens.end(i)).codePoints().anyMatch(Character::isLetter) ? 1 : 0;
            }
            return words;
        }

        long hash(int from, int n) {
            long h = FoldedTokens.mix(prefix[from + n] - prefix[from] * POWERS[n] + n);
            return h == 0 ? 1 : h;
        }
    }

    /** Open addressing from a non-zero long to a small number; the first value of a key stays. */
    private static final class HashTable {
        private long[] keys = new long[1 << 10];
        private int[] values = new int[1 << 10];
        private int size;

        int size() {
            return size;
        }

        long sum() {
            long sum = 0;
            for (long key : keys) {
                sum += FoldedTokens.mix(key);
            }
            return sum - (keys.length - size) * FoldedTokens.mix(0);
        }

        int get(long key) {
            int slot = slot(keys, key);
            return keys[slot] == key ? values[slot] : -1;
        }

        void put(long key, int value) {
            if (2 * (size + 1) > keys.length) {
                long[] oldKeys = keys;
                int[] oldValues = values;
                keys = new long[oldKeys.length * 2];
                values = new int[keys.length];
                for (int i = 0; i < oldKeys.length; i++) {
                    if (oldKeys[i] != 0) {
                        int slot = slot(keys, oldKeys[i]);
                        keys[slot] = oldKeys[i];
                        values[slot] = oldValues[i];
                    }
                }
            }
            int slot = slot(keys, key);
            if (keys[slot] == 0) {
                keys[slot] = key;
                values[slot] = value;
                size++;
            }
        }

        private static int slot(long[] keys, long key) {
            int slot = (int) (key >>> 16) & keys.length - 1;
            while (keys[slot] != 0 && keys[slot] != key) {
                slot = slot + 1 & keys.length - 1;
            }
            return slot;
        }
    }
}
