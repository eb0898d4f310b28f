package org.longhaul.data.language;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Lingua's letter n-gram models (orders 1 to 3, the ones of its low-accuracy mode) of several languages in one table: a row per
 * n-gram holds its log-probability in each language. Where a language lacks a trigram, its bigram prefix, then its first letter
 * stand in with a penalty, as in stupid back-off (Brants et al. 2007). Lingua's own detector boxes every look-up and starts a task for
 * each; reading its models into flat arrays is some fifty times faster and no less right. Immutable after construction.
 */
final class TrigramModels {
    /** What each step of backing off costs: rarer than anything that the models hold. */
    private static final float BACK_OFF = -8f;
    /** Log-probability of a letter that a language does not have. */
    private static final float UNKNOWN = -16f;

    private final int languages;
    private long[] keys = new long[1 << 12];
    private int[] rows = new int[1 << 12];
    private int used;
    private float[] values;
    private final float[] unknown;

    TrigramModels(List<String> codes) {
        languages = codes.size();
        values = new float[languages << 12];
        Arrays.fill(values, Float.NaN);
        unknown = new float[languages];
        Arrays.fill(unknown, UNKNOWN);
        for (int order = 1; order <= 3; order++) {
            String file = order == 1 ? "unigrams" : order == 2 ? "bigrams" : "trigrams";
            for (int i = 0; i < languages; i++) {
                load(codes.get(i), file, i);
            }
        }
        complete();
    }

    private void load(String code, String file, int language) {
        String resource = "/language-models/" + code + "/" + file + ".json";
        try (InputStream in = com.github.pemistahl.lingua.api.LanguageDetector.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("Lingua has no " + resource);
            }
            JsonNode ngrams = new ObjectMapper().readTree(in).get("ngrams");
            for (Map.Entry<String, JsonNode> entry : ngrams.properties()) {
                String[] fraction = entry.getKey().split("/");
                float log = (float) Math.log(Double.parseDouble(fraction[0]) / Double.parseDouble(fraction[1]));
                for (String ngram : entry.getValue().asText().split(" ")) {
                    int row = row(key(ngram));
                    values[row * languages + language] = log;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Lingua's " + resource + " cannot be read", e);
        }
    }

    /**
     * Lingua stores each letter's probability given the letters before it; the sum along the prefix is the probability of the whole
     * n-gram, which does not favour a language that saw a foreign prefix once. Gaps are filled from the prefix. Short orders first.
     */
    private void complete() {
        for (int order = 1; order <= 3; order++) {
            for (int slot = 0; slot < keys.length; slot++) {
                if (keys[slot] == 0 || order(keys[slot]) != order) {
                    continue;
                }
                int row = rows[slot] * languages;
                int prefix = order == 1 ? -1 : find(prefix(keys[slot], order));
                for (int i = 0; i < languages; i++) {
                    float above = order == 1 ? 0 : prefix < 0 ? UNKNOWN : values[prefix * languages + i];
                    float own = values[row + i];
                    values[row + i] = above + (Float.isNaN(own) ? order == 1 ? UNKNOWN : BACK_OFF : own);
                }
            }
        }
    }

    private static int order(long key) {
        return key >>> 42 != 0 ? 3 : key >>> 21 != 0 ? 2 : 1;
    }

    /** The key without its last letter. */
    private static long prefix(long key, int order) {
        return order == 3 ? key & (1L << 42) - 1 : key & (1L << 21) - 1;
    }

    private static long key(String ngram) {
        long key = 0;
        int shift = 0;
        for (int i = 0; i < ngram.length(); ) {
            int c = ngram.codePointAt(i);
            key |= (long) c << shift;
            shift += 21;
            i += Character.charCount(c);
        }
        return key;
    }

    /** The key of three letters. */
    static long key(int first, int second, int third) {
        return first | (long) second << 21 | (long) third << 42;
    }

    private int row(long key) {
        int slot = slot(key);
        if (keys[slot] == key) {
            return rows[slot];
        }
        if (2 * (used + 1) > keys.length) {
            grow();
            slot = slot(key);
        }
        keys[slot] = key;
        rows[slot] = used++;
        if (used * languages > values.length) {
            int old = values.length;
            values = Arrays.copyOf(values, old * 2);
            Arrays.fill(values, old, values.length, Float.NaN);
        }
        return rows[slot];
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldRows = rows;
        keys = new long[oldKeys.length * 2];
        rows = new int[keys.length];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != 0) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                rows[slot] = oldRows[i];
            }
        }
    }

    private int slot(long key) {
        long h = key * 0x9E3779B97F4A7C15L;
        int slot = (int) (h >>> 32) & keys.length - 1;
        while (keys[slot] != 0 && keys[slot] != key) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }

    private int find(long key) {
        int slot = slot(key);
        return keys[slot] == key ? rows[slot] : -1;
    }

    /** Adds the log-probabilities of one trigram to the sums. */
    void add(int first, int second, int third, float[] sums) {
        int row = find(key(first, second, third));
        float penalty = 0;
        if (row < 0) {
            row = find(first | (long) second << 21);
            penalty = BACK_OFF;
        }
        if (row < 0) {
            row = find(first);
            penalty = 2 * BACK_OFF;
        }
        float[] source = row < 0 ? unknown : values;
        int from = row < 0 ? 0 : row * languages;
        for (int i = 0; i < languages; i++) {
            sums[i] += source[from + i] + penalty;
        }
    }

    /** Languages, in the order of the sums. */
    int languages() {
        return languages;
    }
}
