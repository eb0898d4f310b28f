package org.longhaul.tokenizer.train;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Merges sorted runs of word counts, adding up the counts of equal words, in memory that depends on the number of runs alone. */
public final class SortedRuns {
    private static final Comparator<SortedRun.Reader> BY_WORD =
            (a, b) -> Arrays.compareUnsigned(a.word, 0, a.length, b.word, 0, b.length);

    private SortedRuns() {}

    /** The counts of all files together, merged anew in every pass. */
    public static WordCounts of(List<Path> files) {
        List<Path> all = List.copyOf(files);
        return visitor -> {
            List<SortedRun.Reader> readers = new ArrayList<>();
            try {
                for (Path file : all) {
                    readers.add(SortedRun.open(file));
                }
                merge(readers, visitor::word);
            } catch (IOException e) {
                throw UserError.environment("cannot read word counts: " + Reason.of(e), e);
            } finally {
                close(readers);
            }
        };
    }

    /** Merges streams of runs into one run; for engines that keep their files elsewhere. Closes all of them. */
    public static void merge(List<InputStream> runs, OutputStream out) throws IOException {
        List<SortedRun.Reader> readers = new ArrayList<>();
        try (SortedRun.Writer writer = new SortedRun.Writer(out)) {
            for (int i = 0; i < runs.size(); i++) {
                readers.add(new SortedRun.Reader(runs.get(i), "run " + i));
            }
            merge(readers, writer::add);
        } finally {
            close(readers);
        }
    }

    /** Writes counts as one sorted run; they must come in order, as those of {@link #of} do. */
    public static void write(WordCounts sorted, Path file) {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (SortedRun.Writer writer = new SortedRun.Writer(Files.newOutputStream(part))) {
                sorted.forEach((bytes, from, length, count) -> add(writer, bytes, from, length, count));
            }
            Files.move(part, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | java.io.UncheckedIOException e) {
            throw UserError.environment(file + ": cannot write word counts: " + Reason.of(e), e);
        }
    }

    static void add(SortedRun.Writer writer, byte[] bytes, int from, int length, long count) {
        try {
            writer.add(bytes, from, length, count);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private interface Sink {
        void word(byte[] bytes, int from, int length, long count) throws IOException;
    }

    private static void merge(List<SortedRun.Reader> readers, Sink sink) throws IOException {
        PriorityQueue<SortedRun.Reader> heads = new PriorityQueue<>(Math.max(1, readers.size()), BY_WORD);
        for (SortedRun.Reader reader : readers) {
            if (reader.next()) {
                heads.add(reader);
            }
        }
        byte[] word = new byte[64];
        while (!heads.isEmpty()) {
            SortedRun.Reader first = heads.poll();
            int length = first.length;
            if (word.length < length) {
                word = new byte[length * 2];
            }
            System.arraycopy(first.word, 0, word, 0, length);
            long count = first.count;
            advance(first, heads);
            while (!heads.isEmpty() && Arrays.equals(heads.peek().word, 0, heads.peek().length, word, 0, length)) {
                SortedRun.Reader same = heads.poll();
                count = Math.addExact(count, same.count);
                advance(same, heads);
            }
            sink.word(word, 0, length, count);
        }
    }

    private static void advance(SortedRun.Reader reader, PriorityQueue<SortedRun.Reader> heads) throws IOException {
        if (reader.next()) {
            heads.add(reader);
        }
    }

    private static void close(List<SortedRun.Reader> readers) {
        for (SortedRun.Reader reader : readers) {
            try {
                reader.close();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
