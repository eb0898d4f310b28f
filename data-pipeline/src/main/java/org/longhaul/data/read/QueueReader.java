package org.longhaul.data.read;

import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.NoSuchElementException;

/** The frame of every reader: counts, turns exceptions into problems, ends with the summary. */
abstract class QueueReader implements RecordReader {
    final String file;
    private final ArrayDeque<ReadResult> ready = new ArrayDeque<>();
    private final Map<String, Long> problems = new HashMap<>();
    private final Map<String, Long> others = new HashMap<>();
    private long records;
    private boolean complete = true;
    private boolean finished;
    private boolean closed;

    QueueReader(String file) {
        this.file = file;
    }

    /** Reads on until something was emitted or the file ends; false at the end. */
    abstract boolean advance() throws IOException;

    /** Where reading stands, for faults that carry no position of their own. */
    abstract Position position();

    /** Decompressed bytes read so far. */
    abstract long bytesRead();

    abstract void release() throws IOException;

    final void emit(InputRecord record) {
        records++;
        ready.add(record);
        if (record.repairs() > 0) {
            problem(
                    record.position(),
                    ReadProblem.Kind.INVALID_UTF8,
                    record.repairs() + " ill-formed character(s) replaced by U+FFFD");
        }
    }

    final void problem(Position where, ReadProblem.Kind kind, String reason) {
        problems.merge(kind.label(), 1L, Long::sum);
        if (kind.effect() == ReadProblem.Effect.FILE_LOST) {
            complete = false;
        }
        ready.add(new ReadProblem(file, where, kind, oneLine(reason)));
    }

    final void other(String type) {
        others.merge(type, 1L, Long::sum);
    }

    /** Messages of parsers may quote input; reports stay one line. */
    static String oneLine(String message) {
        String text = message == null ? "unknown" : message;
        StringBuilder out = new StringBuilder(Math.min(text.length(), 300));
        for (int i = 0; i < text.length() && out.length() < 300; i++) {
            char c = text.charAt(i);
            out.append(Character.isISOControl(c) ? ' ' : c);
        }
        return out.toString();
    }

    @Override
    public final boolean hasNext() {
        while (ready.isEmpty() && !finished) {
            boolean more;
            try {
                more = advance();
            } catch (UnreadableFileException e) {
                problem(Position.START, ReadProblem.Kind.UNREADABLE_FILE, e.getMessage());
                more = false;
            } catch (EOFException e) {
                String reason = e.getMessage() == null ? "the file ends inside a record" : e.getMessage();
                problem(position(), ReadProblem.Kind.TRUNCATED_FILE, reason + "; what follows is lost");
                more = false;
            } catch (IOException e) {
                problem(position(), ReadProblem.Kind.CORRUPT_FILE, e.getMessage() + "; the rest is not read");
                more = false;
            }
            if (!more) {
                finish();
            }
        }
        return !ready.isEmpty();
    }

    private void finish() {
        finished = true;
        if (complete && records == 0 && problems.isEmpty() && bytesRead() == 0) {
            problem(Position.START, ReadProblem.Kind.EMPTY_FILE, "the file is empty");
        }
        ready.add(new FileSummary(file, records, bytesRead(), problems, others, complete));
        close();
    }

    @Override
    public final ReadResult next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return ready.poll();
    }

    @Override
    public final void close() {
        if (closed) {
            return;
        }
        closed = true;
        finished = true;
        try {
            release();
        } catch (IOException e) {
            // The content was read or given up already; a failing close of an input changes nothing.
        }
    }
}
