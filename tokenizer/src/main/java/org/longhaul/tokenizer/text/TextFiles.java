package org.longhaul.tokenizer.text;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * Documents of local files: {@code .jsonl} (one JSON object a line, its text in a field that can be named), anything else as plain text,
 * which is handed out in blocks that end behind a newline before a character that is not white space. Either may be gzipped.
 */
public final class TextFiles {
    private static final int BLOCK = 1 << 20;
    private static final Batch END = new Batch(null, 0, null, 0, false);

    private final List<Path> files;
    private final String field;

    private record Batch(byte[] bytes, int length, Path file, long line, boolean json) {}

    private TextFiles(List<Path> files, String field) {
        this.files = files;
        this.field = field;
    }

    /**
     * The files named, and in place of a folder the files in it, sorted.
     *
     * @param field key of the text in JSON lines
     */
    public static TextFiles of(List<Path> inputs, String field) {
        List<Path> files = new ArrayList<>();
        for (Path input : inputs) {
            if (Files.isDirectory(input)) {
                try (Stream<Path> inside = Files.list(input)) {
                    inside.filter(Files::isRegularFile).filter(f -> !f.getFileName().toString().startsWith(".")).sorted().forEach(files::add);
                } catch (IOException e) {
                    throw UserError.badInput(input + ": cannot be listed: " + Reason.of(e), e);
                }
            } else if (Files.isRegularFile(input)) {
                files.add(input);
            } else {
                throw UserError.badInput(input + ": no such file or folder");
            }
        }
        if (files.isEmpty()) {
            throw UserError.badInput("no input files in " + inputs);
        }
        return new TextFiles(List.copyOf(files), field);
    }

    /** The files, in reading order. */
    public List<Path> files() {
        return files;
    }

    /**
     * Passes every document to one of {@code threads} workers, each with a state of its own. With one worker the order is that
     * of the files.
     *
     * @return the states
     */
    public <S> List<S> forEach(int threads, IntFunction<S> state, BiConsumer<S, TextDocument> each) {
        BlockingQueue<Batch> queue = new ArrayBlockingQueue<>(2 * threads);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<S> states = new ArrayList<>();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            S own = state.apply(i);
            states.add(own);
            Thread worker = new Thread(() -> work(queue, failure, own, each), "text-" + i);
            worker.setDaemon(true);
            worker.start();
            workers.add(worker);
        }
        try {
            for (Path file : files) {
                read(file, queue, failure);
            }
            for (int i = 0; i < threads; i++) {
                put(queue, END, failure);
            }
            for (Thread worker : workers) {
                worker.join();
            }
        } catch (InterruptedException e) {
            workers.forEach(Thread::interrupt);
            Thread.currentThread().interrupt();
            throw UserError.requeue("interrupted while reading " + files);
        } finally {
            if (failure.get() != null) {
                workers.forEach(Thread::interrupt);
            }
        }
        Throwable thrown = failure.get();
        if (thrown instanceof RuntimeException e) {
            throw e;
        } else if (thrown instanceof Error e) {
            throw e;
        }
        return states;
    }

    private <S> void work(BlockingQueue<Batch> queue, AtomicReference<Throwable> failure, S state, BiConsumer<S, TextDocument> each) {
        JsonLines json = new JsonLines(field);
        TextDocument document = new TextDocument();
        try {
            for (Batch batch = queue.take(); batch != END; batch = queue.take()) {
                document.file = batch.file;
                if (batch.json) {
                    json.forEach(batch.bytes, batch.length, batch.line, document, d -> each.accept(state, d));
                } else {
                    document.text = batch.bytes;
                    document.length = batch.length;
                    document.line = batch.line;
                    document.source = "";
                    document.language = "";
                    each.accept(state, document);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
    }

    /** Waits for room, but not for workers that have failed. Answers whether to go on. */
    private static boolean put(BlockingQueue<Batch> queue, Batch batch, AtomicReference<Throwable> failure) throws InterruptedException {
        while (failure.get() == null) {
            if (queue.offer(batch, 100, TimeUnit.MILLISECONDS)) {
                return true;
            }
        }
        return false;
    }

    private static void read(Path file, BlockingQueue<Batch> queue, AtomicReference<Throwable> failure) throws InterruptedException {
        boolean json = file.getFileName().toString().matches(".*\\.(jsonl|ndjson)(\\.gz)?");
        try (InputStream in = open(file)) {
            byte[] buffer = new byte[BLOCK];
            int length = 0;
            long line = 1;
            while (true) {
                int n = in.readNBytes(buffer, length, buffer.length - length);
                length += n;
                boolean end = length < buffer.length;
                int cut = end ? length : json ? lastLine(buffer, length) : lastParagraph(buffer, length);
                if (cut == 0 && !end) {
                    if (buffer.length > Integer.MAX_VALUE / 2) {
                        throw UserError.badInput(file + ": a line from line " + line + " on is longer than 1 GiB");
                    }
                    buffer = Arrays.copyOf(buffer, buffer.length * 2);
                    continue;
                }
                byte[] next = new byte[BLOCK];
                if (length - cut >= next.length) {
                    next = new byte[2 * (length - cut)];
                }
                System.arraycopy(buffer, cut, next, 0, length - cut);
                if (cut > 0 && !put(queue, new Batch(buffer, cut, file, line, json), failure) || end) {
                    return;
                }
                line += lines(buffer, cut);
                buffer = next;
                length -= cut;
            }
        } catch (EOFException | ZipException e) {
            throw UserError.badInput(file + ": the gzip data is damaged or cut short: " + e.getMessage(), e);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e), e);
        }
    }

    private static InputStream open(Path file) throws IOException {
        InputStream in = Files.newInputStream(file);
        return file.toString().endsWith(".gz") ? new GZIPInputStream(in, 1 << 16) : in;
    }

    private static int lastLine(byte[] bytes, int length) {
        int at = length;
        while (at > 0 && bytes[at - 1] != '\n') {
            at--;
        }
        return at;
    }

    /** No pre-tokenizer joins across a newline that ordinary text follows. */
    private static int lastParagraph(byte[] bytes, int length) {
        for (int at = length - 1; at > 0; at--) {
            if (bytes[at - 1] == '\n' && bytes[at] > ' ') {
                return at;
            }
        }
        return 0;
    }

    private static long lines(byte[] bytes, int length) {
        long lines = 0;
        for (int i = 0; i < length; i++) {
            lines += bytes[i] == '\n' ? 1 : 0;
        }
        return lines;
    }
}
