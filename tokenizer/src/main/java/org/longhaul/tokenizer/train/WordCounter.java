package org.longhaul.tokenizer.train;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.Splitter;

/**
 * Cuts documents into pieces and counts them in bounded memory: when the table is full it is written to disk as a sorted run and
 * started anew. Not thread-safe: one counter a thread or partition, whose runs are merged ({@link SortedRuns}).
 */
public final class WordCounter {
    private final Splitter splitter;
    private final Options options;
    private WordTable table = new WordTable();
    private final List<Path> runs = new ArrayList<>();
    private long documents;
    private long bytes;
    private long words;
    private long capped;

    /**
     * How to count.
     *
     * @param memoryBytes what the table may occupy before it is written to disk
     * @param spillFolder where runs go; made if needed
     * @param documentCap bytes of one document that are counted, to the end of the piece that reaches the cap; empty for all
     */
    public record Options(long memoryBytes, Path spillFolder, OptionalInt documentCap) {
        public Options {
            if (memoryBytes < 4 << 20) {
                throw new IllegalArgumentException("memory of a word counter must be at least 4 MiB: " + memoryBytes + " bytes");
            }
        }
    }

    /** An empty counter. */
    public WordCounter(PreTokenizer preTokenizer, Options options) {
        splitter = preTokenizer.splitter();
        this.options = options;
    }

    /** Counts the pieces of one document, {@code utf8[from, to)}. */
    public void addDocument(byte[] utf8, int from, int to) {
        documents++;
        int end = to;
        if (options.documentCap().isPresent() && to - from > options.documentCap().getAsInt()) {
            end = from + options.documentCap().getAsInt();
            capped++;
        }
        int at = from;
        while (at < end) {
            int next = splitter.next(utf8, at, to);
            table.add(utf8, at, next - at, 1);
            words++;
            at = next;
        }
        bytes += at - from;
        if (table.memory() > options.memoryBytes()) {
            spill();
        }
    }

    /** Adds to the count of one piece. */
    public void addWord(byte[] word, int from, int length, long count) {
        table.add(word, from, length, count);
        words += count;
        if (table.memory() > options.memoryBytes()) {
            spill();
        }
    }

    private void spill() {
        try {
            Files.createDirectories(options.spillFolder());
            Path run = Files.createTempFile(options.spillFolder(), "words-", ".run");
            runs.add(run);
            try (OutputStream out = Files.newOutputStream(run)) {
                writeSorted(out);
            }
        } catch (IOException e) {
            throw UserError.environment(options.spillFolder() + ": cannot write word counts: " + Reason.of(e), e);
        }
    }

    /** Writes the words still in memory as a sorted run and forgets them. Does not write those already on disk. */
    public void writeSorted(OutputStream out) throws IOException {
        WordTable full = table;
        table = new WordTable();
        try (SortedRun.Writer writer = new SortedRun.Writer(out)) {
            full.forEachSorted((word, from, length, count) -> SortedRuns.add(writer, word, from, length, count));
        } catch (java.io.UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Writes what is in memory to disk and returns all runs; the counter is empty afterwards. */
    public List<Path> finishToRuns() {
        if (table.size() > 0) {
            spill();
        }
        List<Path> all = List.copyOf(runs);
        runs.clear();
        return all;
    }

    /** The counts of several counters together: in memory if none has spilled, else merged from disk. The counters are empty afterwards. */
    public static WordCounts finish(List<WordCounter> counters) {
        if (counters.stream().allMatch(counter -> counter.runs.isEmpty())) {
            WordTable sum = counters.get(0).table;
            counters.get(0).table = new WordTable();
            for (WordCounter counter : counters.subList(1, counters.size())) {
                counter.table.forEach(sum::add);
                counter.table = new WordTable();
            }
            return sum;
        }
        List<Path> all = new ArrayList<>();
        counters.forEach(counter -> all.addAll(counter.finishToRuns()));
        return SortedRuns.of(all);
    }

    /** Documents counted. */
    public long documents() {
        return documents;
    }

    /** Bytes counted. */
    public long bytes() {
        return bytes;
    }

    /** Pieces counted, repetitions included. */
    public long words() {
        return words;
    }

    /** Documents of which only the beginning was counted. */
    public long cappedDocuments() {
        return capped;
    }
}
