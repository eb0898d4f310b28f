package org.longhaul.cli;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/**
 * The error stream with, on a terminal, one live line at its end that is rewritten in place. Everything else that is written
 * to the stream, log lines included, first wipes the live line, so the two never run into one another.
 */
final class Terminal extends OutputStream {
    private static Terminal installed;

    private final OutputStream out;
    private final boolean interactive;
    private final int columns;
    private int liveLength;
    private Supplier<String> stamp = () -> "";
    private boolean lineStart = true;

    Terminal(OutputStream out, boolean interactive, int columns) {
        this.out = out;
        this.interactive = interactive;
        this.columns = columns;
    }

    /** Puts a terminal in the place of {@link System#err}; the launcher tells by system properties what the stream is connected to. */
    static synchronized void install() {
        if (installed == null) {
            installed = new Terminal(new FileOutputStream(FileDescriptor.err), Boolean.getBoolean("longhaul.terminal"),
                    Integer.getInteger("longhaul.columns", 80));
            System.setErr(new PrintStream(installed, true, StandardCharsets.UTF_8));
        }
    }

    /** The installed terminal, or one that is not interactive and writes to the present error stream. */
    static synchronized Terminal current() {
        return installed != null ? installed : new Terminal(System.err, false, 80);
    }

    /** From now on every line begins with what {@code stamp} says at that moment. */
    synchronized void stamp(Supplier<String> stamp) {
        this.stamp = stamp;
    }

    boolean interactive() {
        return interactive;
    }

    /** Shows {@code text} in place of the previous live line, cut to the width of the terminal. */
    synchronized void live(String text) {
        String shown = text.length() < columns ? text : text.substring(0, Math.max(0, columns - 1));
        String padding = " ".repeat(Math.max(0, liveLength - shown.length()));
        raw("\r" + shown + padding + (padding.isEmpty() ? "" : "\r" + shown));
        liveLength = shown.length();
    }

    /** Removes the live line. */
    synchronized void wipe() {
        if (liveLength > 0) {
            raw("\r" + " ".repeat(liveLength) + "\r");
            liveLength = 0;
        }
    }

    /** Writes one whole line. */
    synchronized void line(String text) {
        wipe();
        String begin = stamp.get();
        raw(begin + (begin.isEmpty() ? text : text.replace("\n", "\n" + begin)) + "\n");
    }

    private void raw(String text) {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            // Nobody is left to tell: the error stream itself is closed.
            liveLength = 0;
        }
    }

    @Override
    public synchronized void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
        wipe();
        // One write for all of it: other processes may write to the same file.
        ByteArrayOutputStream whole = new ByteArrayOutputStream(length + 32);
        for (int i = offset; i < offset + length; i++) {
            if (lineStart) {
                whole.writeBytes(stamp.get().getBytes(StandardCharsets.UTF_8));
            }
            whole.write(bytes[i]);
            lineStart = bytes[i] == '\n';
        }
        out.write(whole.toByteArray());
    }

    @Override
    public synchronized void flush() throws IOException {
        out.flush();
    }
}
