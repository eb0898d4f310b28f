package org.longhaul.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
    private static final TrainedVocabulary VOCABULARY = TestVocabularies.train(PreTokenizer.DEEPSEEK, 900, 7);
    private static final Tokenizer TOKENIZER = VOCABULARY.tokenizer(SpecialTokens.deepSeek());

    @Test
    void agreesWithNaiveMergingOnRandomText() {
        NaiveBpe naive = new NaiveBpe(TOKENIZER.model());
        assertTrue(TOKENIZER.isLinear());
        for (long seed = 1; seed <= 3000; seed++) {
            Random random = new Random(seed);
            byte[] text = TestVocabularies.text(random, random.nextInt(60)).getBytes(StandardCharsets.UTF_8);
            assertEquals(naive.encode(text), boxed(TOKENIZER.encode(text)), "seed " + seed);
        }
    }

    @Test
    void linearAndHeapEncodersAgreeOnLongPieces() {
        BpeModel model = TOKENIZER.model();
        BacktrackingEncoder linear = new BacktrackingEncoder(MergeRules.of(model));
        RankEncoder heap = new RankEncoder(model, RankEncoder.ranks(model), null);
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            byte[] piece = TestVocabularies.text(random, 1 + random.nextInt(400)).replaceAll(random.nextBoolean() ? " " : "[^ab]", "a")
                    .getBytes(StandardCharsets.UTF_8);
            TokenBuffer a = new TokenBuffer();
            TokenBuffer b = new TokenBuffer();
            linear.encode(piece, 0, piece.length, a);
            heap.encode(piece, 0, piece.length, b);
            assertArrayEquals(b.toArray(), a.toArray(), "seed " + seed);
        }
    }

    @Test
    void everyByteStringComesBack() {
        for (long seed = 1; seed <= 2000; seed++) {
            Random random = new Random(seed);
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            assertArrayEquals(bytes, TOKENIZER.decode(TOKENIZER.encode(bytes)), "seed " + seed);
        }
    }

    @Test
    void specialTokensAreFoundInTextUnlessItIsNotTrusted() {
        String text = "aa" + SpecialTokens.END_OF_SENTENCE + SpecialTokens.BEGIN_OF_SENTENCE + "b<\uFF5Cend";
        int[] ids = TOKENIZER.encode(text);
        assertEquals(900, TOKENIZER.beginOfSentence().orElseThrow());
        assertEquals(900, TOKENIZER.textPrefix().orElseThrow());
        assertEquals(901, TOKENIZER.endOfSentence());
        assertTrue(Arrays.stream(ids).anyMatch(id -> id == 900) && Arrays.stream(ids).anyMatch(id -> id == 901));
        assertArrayEquals(text.getBytes(StandardCharsets.UTF_8), TOKENIZER.decode(ids));
        assertTrue(Arrays.stream(TOKENIZER.encodeOrdinary(text)).noneMatch(id -> id == 900 || id == 901));
        assertArrayEquals(text.getBytes(StandardCharsets.UTF_8), TOKENIZER.decode(TOKENIZER.encodeOrdinary(text)));
    }

    @Test
    void textThatLooksLikeAByteSymbolIsText() {
        int[] ids = TOKENIZER.encode("ø");
        assertArrayEquals("ø".getBytes(StandardCharsets.UTF_8), TOKENIZER.decode(ids));
        assertArrayEquals(new int[] {902}, TOKENIZER.encode(new byte[] {(byte) 0xF8}));
        assertEquals(915, TOKENIZER.vocabSize());
    }

    @Test
    void writtenFilesReadBackTheSame(@TempDir Path folder) {
        TokenizerFiles.write(folder, VOCABULARY, SpecialTokens.deepSeek(), 4096);
        Tokenizer read = Tokenizer.load(folder.resolve("tokenizer.json"));
        assertEquals(TOKENIZER.fingerprint(), read.fingerprint());
        assertEquals(TOKENIZER.fingerprint(), Tokenizer.load(folder).fingerprint());
        assertEquals(900, read.beginOfSentence().orElseThrow());
        assertEquals(900, read.textPrefix().orElseThrow());
        assertEquals(901, read.endOfSentence());
        assertEquals(901, read.id(SpecialTokens.END_OF_SENTENCE).orElseThrow());
        for (PreTokenizer other : List.of(PreTokenizer.GPT2, PreTokenizer.CL100K, PreTokenizer.QWEN2)) {
            TrainedVocabulary v = TestVocabularies.train(other, 400, 1);
            TokenizerFiles.write(folder, v, SpecialTokens.deepSeek(), 4096);
            assertEquals(v.tokenizer(SpecialTokens.deepSeek()).fingerprint(), Tokenizer.load(folder).fingerprint());
            assertEquals(other, Tokenizer.load(folder).preTokenizer());
        }
    }

    @Test
    void offsetsAreWhereTokensStart() {
        byte[] text = ("中国 the " + SpecialTokens.END_OF_SENTENCE + "😀").getBytes(StandardCharsets.UTF_8);
        int[] ids = TOKENIZER.encode(text);
        int[] starts = TOKENIZER.offsets(text, ids);
        assertEquals(text.length, starts[ids.length]);
        for (int i = 0; i < ids.length; i++) {
            assertArrayEquals(TOKENIZER.tokenBytes(ids[i]), Arrays.copyOfRange(text, starts[i], starts[i + 1]));
        }
    }

    @Test
    void streamingDecoderHoldsBackIncompleteCharacters() {
        String text = "a😀中\uD83Dz";
        StreamingDecoder decoder = TOKENIZER.streamingDecoder();
        StringBuilder out = new StringBuilder();
        for (byte b : Utf8.encode(text)) {
            String piece = decoder.next(TOKENIZER.encode(new byte[] {b})[0]);
            assertTrue(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
            out.append(piece);
        }
        assertEquals("a😀中\uFFFDz", out + decoder.finish());
        decoder.next(TOKENIZER.encode(new byte[] {(byte) 0xE4})[0]);
        assertEquals("\uFFFD", decoder.finish());
        assertEquals("", decoder.finish());
    }

    @Test
    void steadyEncodingAllocatesNothing() {
        byte[] text = TestVocabularies.text(new Random(11), 20_000).getBytes(StandardCharsets.UTF_8);
        TokenBuffer out = new TokenBuffer();
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            out.clear();
            long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            TOKENIZER.encode(text, 0, text.length, out);
            least = Math.min(least, threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before);
        }
        assertTrue(least < 1024, least + " bytes for " + out.size() + " tokens");
    }

    @Test
    void manyThreadsGetTheSameIds() {
        byte[][] texts = new byte[200][];
        int[][] expected = new int[texts.length][];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = TestVocabularies.text(new Random(i), 300).getBytes(StandardCharsets.UTF_8);
            expected[i] = TOKENIZER.encode(texts[i]);
        }
        java.util.stream.IntStream.range(0, 4000).parallel()
                .forEach(i -> assertArrayEquals(expected[i % texts.length], TOKENIZER.encode(texts[i % texts.length])));
    }

    @Test
    void aPieceOfMegabytesTakesTheLinearWay() {
        byte[] text = "ab".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
        assertArrayEquals(text, TOKENIZER.decode(TOKENIZER.encode(text)));
    }

    static List<Integer> boxed(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }
}
