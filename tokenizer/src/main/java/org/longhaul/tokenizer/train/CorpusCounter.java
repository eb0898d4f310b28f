package org.longhaul.tokenizer.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.text.TextFiles;

/** Counts the pieces of local files with several threads. */
public final class CorpusCounter {
    private CorpusCounter() {}

    /**
     * What was counted.
     *
     * @param counts the words, null when they were left in runs
     * @param runs files of sorted runs that belong to the caller
     * @param documents documents read
     * @param bytes bytes of text counted
     * @param words pieces, repetitions included
     * @param capped documents of which only the beginning was counted
     */
    public record Result(WordCounts counts, List<Path> runs, long documents, long bytes, long words, long capped) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%,d documents, %,.1f MB of text, %,d pieces%s", documents, bytes / 1e6, words,
                    capped == 0 ? "" : String.format(Locale.ROOT, ", %,d documents capped", capped));
        }
    }

    /**
     * Counts all documents; in memory if it suffices.
     *
     * @param options memory is that of one thread
     * @param progress takes a text about how far it is
     */
    public static Result count(TextFiles files, PreTokenizer preTokenizer, WordCounter.Options options, int threads,
            Consumer<Supplier<String>> progress) {
        List<WordCounter> counters = read(files, preTokenizer, options, threads, progress);
        return result(counters, WordCounter.finish(counters), List.of());
    }

    /** Counts all documents into sorted runs in the spill folder. */
    public static Result countToRuns(TextFiles files, PreTokenizer preTokenizer, WordCounter.Options options, int threads,
            Consumer<Supplier<String>> progress) {
        List<WordCounter> counters = read(files, preTokenizer, options, threads, progress);
        return result(counters, null, counters.stream().flatMap(counter -> counter.finishToRuns().stream()).toList());
    }

    private static List<WordCounter> read(TextFiles files, PreTokenizer preTokenizer, WordCounter.Options options, int threads,
            Consumer<Supplier<String>> progress) {
        AtomicLong bytes = new AtomicLong();
        return files.forEach(threads, i -> new WordCounter(preTokenizer, options), (counter, document) -> {
            counter.addDocument(document.text(), 0, document.length());
            long total = bytes.addAndGet(document.length());
            progress.accept(() -> String.format(Locale.ROOT, "counting: %,.0f MB of text", total / 1e6));
        });
    }

    private static Result result(List<WordCounter> counters, WordCounts counts, List<Path> runs) {
        return new Result(counts, runs, counters.stream().mapToLong(WordCounter::documents).sum(), counters.stream().mapToLong(WordCounter::bytes).sum(),
                counters.stream().mapToLong(WordCounter::words).sum(), counters.stream().mapToLong(WordCounter::cappedDocuments).sum());
    }
}
