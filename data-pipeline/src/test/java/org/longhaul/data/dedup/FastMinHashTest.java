package org.longhaul.data.dedup;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.longhaul.data.SharedData;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.read.ReadSettings;
import org.longhaul.data.read.RecordFiles;
import org.longhaul.data.read.RecordReader;
import org.longhaul.data.text.FoldedTokens;
import org.longhaul.data.text.Scripts;

/** Fast mode against a plain twin over strings, and what it finds. */
class FastMinHashTest {
    private final MinHasher hasher = new MinHasher(MinHashSettings.defaults());

    /** Tokens as strings: what {@link FoldedTokens} hashes without building them. */
    private static List<String> tokens(String text, int[] singles) {
        List<String> out = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int c : text.codePoints().toArray()) {
            if (Scripts.isUnsegmented(c) && !(c < 0x10000 && FoldedTokens.fold((char) c) <= 1)) {
                flush(out, word);
                out.add(c < 0x10000 ? String.valueOf(FoldedTokens.fold((char) c)) : Character.toString(c));
                singles[0]++;
                continue;
            }
            for (char unit : Character.toChars(c)) {
                char folded = FoldedTokens.fold(unit);
                if (folded == 1) {
                    flush(out, word);
                } else if (folded != 0 && !(folded == '0' && word.length() > 0 && word.charAt(word.length() - 1) == '0')) {
                    word.append(folded);
                }
            }
        }
        flush(out, word);
        return out;
    }

    private static void flush(List<String> out, StringBuilder word) {
        if (word.length() > 0) {
            out.add(word.toString());
            word.setLength(0);
        }
    }

    private static long hash(String token) {
        long h = 0;
        for (int i = 0; i < token.length(); i++) {
            h = h * FoldedTokens.UNIT + token.charAt(i) + 1;
        }
        return FoldedTokens.mix(h);
    }

    private static long[] naiveSignature(String text) {
        int[] singles = new int[1];
        List<String> tokens = tokens(text, singles);
        int n = 5;
        Lanes lanes = new Lanes(112);
        long[] signature = new long[112];
        Arrays.fill(signature, Long.MAX_VALUE);
        for (int i = 0; i + n <= tokens.size(); i++) {
            long h = n;
            for (String token : tokens.subList(i, i + n)) {
                h = h * FoldedTokens.TOKEN + hash(token);
            }
            long mixed = FoldedTokens.mix(h);
            for (int lane = 0; lane < 112; lane++) {
                signature[lane] = Math.min(signature[lane], Long.remainderUnsigned(lanes.a[lane] * mixed + lanes.b[lane], Lanes.PRIME));
            }
        }
        return signature;
    }

    @Test
    void equalsTheNaiveTwinOnRandomText() {
        int[] points = "aBcé e\u0301 1 23.4 ,-\n中文字かカー ท่ 한글 😀\uD840\uDC0B Ωß".codePoints().toArray();
        for (int seed = 0; seed < 1000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder("one two three four five ");
            for (int i = random.nextInt(80); i > 0; i--) {
                text.appendCodePoint(points[random.nextInt(points.length)]);
            }
            assertArrayEquals(naiveSignature(text.toString()), hasher.signature(text.toString()).orElseThrow(), "seed " + seed);
        }
    }

    @Test
    void signatureOverlapEstimatesSimilarity() {
        for (int seed = 0; seed < 60; seed++) {
            Random random = new Random(seed);
            List<String> words = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                words.add(Integer.toString(random.nextInt(2000), 36) + "w");
            }
            List<String> changed = new ArrayList<>(words);
            for (int i = random.nextInt(40); i > 0; i--) {
                changed.set(random.nextInt(400), "changed" + i);
            }
            String a = String.join(" ", words);
            String b = String.join(" ", changed);
            long[] x = hasher.signature(a).orElseThrow();
            long[] y = hasher.signature(b).orElseThrow();
            int equal = 0;
            for (int i = 0; i < 112; i++) {
                equal += x[i] == y[i] ? 1 : 0;
            }
            double truth = MinHasher.similarity(hasher.shingles(a), hasher.shingles(b));
            // Four standard deviations of a mean of 112 draws.
            double slack = 4 * Math.sqrt(Math.max(truth * (1 - truth), 0.01) / 112);
            assertEquals(truth, equal / 112.0, slack, "seed " + seed);
        }
    }

    @Test
    void similarityIsJaccard() {
        assertEquals(0.5, MinHasher.similarity(new long[] {1, 2, 3}, new long[] {2, 3, 4}));
        assertEquals(0, MinHasher.similarity(new long[0], new long[0]));
        assertEquals(1, MinHasher.similarity(hasher.shingles("a b c d e f"), hasher.shingles("A, b c d e f!")));
    }

    @Test
    void aPoemWithOneCharacterChangedIsFoundByCharacterShingles() {
        String poem = "欲出未出光辣達，千山萬山如火發。須臾走向天上來，逐却殘星趕却月。床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。";
        long[] x = hasher.bandDigests(hasher.signature(poem).orElseThrow());
        long[] y = hasher.bandDigests(hasher.signature(poem.replace('辣', '赫')).orElseThrow());
        int equal = 0;
        for (int i = 0; i < x.length; i++) {
            equal += x[i] == y[i] ? 1 : 0;
        }
        assertTrue(equal > 0);
        assertTrue(hasher.signature("千山").isEmpty());
    }

    @Test
    void contentHashFormsDiffer() {
        assertNotEquals(
                ContentHash.of("A text.", DedupSettings.ExactForm.RAW), ContentHash.of("a text", DedupSettings.ExactForm.RAW));
        assertEquals(
                ContentHash.of("A  TÉXT: 12!", DedupSettings.ExactForm.FOLDED), ContentHash.of("a te\u0301xt 97", DedupSettings.ExactForm.FOLDED));
        assertNotEquals(
                ContentHash.of("a text", DedupSettings.ExactForm.FOLDED), ContentHash.of("text a", DedupSettings.ExactForm.FOLDED));
        assertNotEquals(
                ContentHash.of("!!!", DedupSettings.ExactForm.FOLDED), ContentHash.of("???", DedupSettings.ExactForm.FOLDED));
    }

    @Test
    void unionFindEqualsRepeatedRelabelling() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            int n = 1 + random.nextInt(60);
            int[] label = new int[n];
            Arrays.setAll(label, i -> i);
            DuplicateSets sets = new DuplicateSets(n);
            List<int[]> edges = new ArrayList<>();
            for (int e = random.nextInt(60); e > 0; e--) {
                int a = random.nextInt(n);
                int b = random.nextInt(n);
                edges.add(new int[] {a, b});
                int from = label[b];
                int to = label[a];
                assertEquals(from != to, sets.union(a, b), "seed " + seed);
                for (int i = 0; i < n; i++) {
                    label[i] = label[i] == from ? to : label[i];
                }
            }
            int[] keepers = sets.keepers((x, y) -> Integer.compare(y, x));
            java.util.Collections.shuffle(edges, random);
            DuplicateSets shuffled = new DuplicateSets(n);
            edges.forEach(e -> shuffled.union(e[1], e[0]));
            assertArrayEquals(keepers, shuffled.keepers((x, y) -> Integer.compare(y, x)), "seed " + seed);
            for (int i = 0; i < n; i++) {
                int size = 0;
                int last = 0;
                for (int k = 0; k < n; k++) {
                    assertEquals(label[i] == label[k], sets.same(i, k), "seed " + seed);
                    size += label[i] == label[k] ? 1 : 0;
                    last = label[i] == label[k] ? k : last;
                }
                assertEquals(size, sets.size(i));
                assertEquals(last, keepers[i], "the order prefers the largest number");
            }
        }
    }

    @Test
    void editionsOfTheSameBookMeetInRealText() {
        Path file = SharedData.require("corpus/web-en.jsonl.gz");
        List<String> texts = new ArrayList<>();
        try (RecordReader reader = RecordFiles.open(
                new Configuration(false), new org.apache.hadoop.fs.Path(file.toUri()), "web-en", ReadSettings.defaults())) {
            reader.forEachRemaining(r -> {
                if (r instanceof InputRecord record) {
                    texts.add(((InputRecord.Text) record.body()).text());
                }
            });
        }
        Map<String, List<Integer>> buckets = new HashMap<>();
        List<long[]> shingles = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            shingles.add(hasher.shingles(texts.get(i)));
            long[] signature = hasher.signature(texts.get(i)).orElse(null);
            long[] digests = signature == null ? new long[0] : hasher.bandDigests(signature);
            for (int band = 0; band < digests.length; band++) {
                buckets.computeIfAbsent(band + ":" + digests[band], k -> new ArrayList<>()).add(i);
            }
        }
        Set<Long> candidates = new HashSet<>();
        buckets.values().forEach(bucket -> {
            for (int i = 0; i < bucket.size(); i++) {
                for (int k = 0; k < i; k++) {
                    candidates.add((long) bucket.get(i) << 32 | bucket.get(k));
                }
            }
        });
        // Brute force over all pairs whose lengths allow a similarity above one half.
        double expected = 0;
        int found = 0;
        int near = 0;
        for (int i = 0; i < texts.size(); i++) {
            for (int k = 0; k < i; k++) {
                int x = shingles.get(i).length;
                int y = shingles.get(k).length;
                double s = 2 * Math.min(x, y) < Math.max(x, y) ? 0 : MinHasher.similarity(shingles.get(i), shingles.get(k));
                if (s > 0.7) {
                    expected += MinHashSettings.defaults().detectionProbability(s);
                    found += candidates.contains((long) i << 32 | k) ? 1 : 0;
                }
                near += s > 0.5 && candidates.contains((long) i << 32 | k) ? 1 : 0;
            }
        }
        System.out.printf("web-en: %d candidate pairs, %d of them above 0.5; above 0.7 %d found, %.0f expected%n",
                candidates.size(), near, found, expected);
        assertTrue(expected > 1000, "the corpus holds real near-duplicates: " + expected);
        // The pairs share boilerplate and so are far from independent: a wide band around the curve.
        assertEquals(1, found / expected, 0.25);
        assertTrue(near >= 0.98 * candidates.size());
    }
}
