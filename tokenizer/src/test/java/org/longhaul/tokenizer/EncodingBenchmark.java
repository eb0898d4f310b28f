package org.longhaul.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The parts of encoding one by one, each over the same 1,000,000 bytes, so that operations per second are MB per second. Run with
 * {@code scripts/jmh}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class EncodingBenchmark {
    private static final int SIZE = 1_000_000;

    /** A tokenizer.json or its folder; empty for a small one that is trained on invented text. */
    @Param("")
    public String tokenizer;

    /** A file of plain text; empty for invented text. */
    @Param("")
    public String text;

    private byte[] bytes;
    /** Where pieces end. */
    private int[] ends;
    private Splitter splitter;
    private Tokenizer whole;
    private WordCache cache;
    private PieceEncoder backtracking;
    private PieceEncoder ranks;
    private final TokenBuffer out = new TokenBuffer(SIZE);

    @Setup
    public void setUp() throws IOException {
        byte[] source = text.isEmpty() ? TestVocabularies.text(new Random(1), 100_000).getBytes(StandardCharsets.UTF_8) : Files.readAllBytes(Path.of(text));
        if (source.length == 0) {
            throw new IllegalArgumentException(text + " is empty");
        }
        bytes = new byte[SIZE];
        for (int i = 0; i < SIZE; i++) {
            bytes[i] = source[i % source.length];
        }
        whole = tokenizer.isEmpty() ? TestVocabularies.train(PreTokenizer.DEEPSEEK, 2000, 1).tokenizer(SpecialTokens.deepSeek())
                : Tokenizer.load(Path.of(tokenizer));
        splitter = whole.preTokenizer().splitter();
        int[] found = new int[SIZE];
        int n = 0;
        for (int at = 0; at < SIZE; at = found[n - 1]) {
            found[n++] = splitter.next(bytes, at, SIZE);
        }
        ends = java.util.Arrays.copyOf(found, n);
        MergeRules rules = MergeRules.of(whole.model());
        backtracking = rules == null ? null : new BacktrackingEncoder(rules);
        ranks = new RankEncoder(whole.model(), RankEncoder.ranks(whole.model()), RankEncoder.wholeTokens(whole.model()));
        cache = new WordCache(rules == null ? ranks : backtracking);
    }

    /** Cutting alone. */
    @Benchmark
    public int split() {
        int pieces = 0;
        for (int at = 0; at < SIZE; pieces++) {
            at = splitter.next(bytes, at, SIZE);
        }
        return pieces;
    }

    /** Pieces by the word cache, nearly all of which it knows once it is warm. */
    @Benchmark
    public int cached() {
        out.clear();
        int at = 0;
        for (int end : ends) {
            cache.encode(bytes, at, end, out);
            at = end;
        }
        return out.size();
    }

    /** Pieces by the linear encoder, without a cache. */
    @Benchmark
    public int backtracking() {
        if (backtracking == null) {
            throw new IllegalStateException("this vocabulary has no linear encoder");
        }
        return pieces(backtracking);
    }

    /** Pieces by the heap that foreign vocabularies need, without a cache. */
    @Benchmark
    public int ranks() {
        return pieces(ranks);
    }

    private int pieces(PieceEncoder encoder) {
        out.clear();
        int at = 0;
        for (int end : ends) {
            encoder.encode(bytes, at, end, out);
            at = end;
        }
        return out.size();
    }

    /** All of it, as a program calls it. */
    @Benchmark
    public int tokenizer() {
        out.clear();
        return whole.encode(bytes, 0, SIZE, out);
    }
}
