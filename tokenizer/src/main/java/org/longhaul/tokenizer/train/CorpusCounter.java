package org.longhaul.tokenizer.train;

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
     * @param counts the words; runs on disk, if any, belong to the caller
     * @param documents documents read
     * @param bytes bytes of text counted
     * @param words pieces, repetitions included
     * @param capped documents of which only the beginning was counted
     */
    public record Result(WordCounts counts, long documents, long bytes, long words, long capped) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%,d documents, %,.1f MB of text, %,d pieces%s", documents, bytes / 1e6, words,
                    capped == 0 ? "" : String.format(Locale.ROOT, ", %,d documents capped", capped));
        }
    }

    /**
     * Counts all documents.
     *
     * @param options memory is that of one thread
     * @param progress takes a text about how far it is
     */
    public static Result count(TextFiles files, PreTokenizer preTokenizer, WordCounter.Options options, int threads,
            Consumer<Supplier<String>> progress) {
        AtomicLong bytes = new AtomicLong();
        List<WordCounter> counters = files.forEach(threads, i -> new WordCounter(preTokenizer, options), (counter, document) -> {
            counter.addDocument(document.text(), 0, document.length());
            long total = bytes.addAndGet(document.length());
            progress.accept(() -> String.format(Locale.ROOT, "counting: %,.0f MB of text", total / 1e6));
        });
        long documents = counters.stream().mapToLong(WordCounter::documents).sum();
        long counted = counters.stream().mapToLong(WordCounter::bytes).sum();
        long words = counters.stream().mapToLong(WordCounter::words).sum();
        long capped = counters.stream().mapToLong(WordCounter::cappedDocuments).sum();
        return new Result(WordCounter.finish(counters), documents, counted, words, capped);
    }
}
