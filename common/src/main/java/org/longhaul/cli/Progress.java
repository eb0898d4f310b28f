package org.longhaul.cli;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Tells a waiting user how far the work is: one live line on a terminal, a plain line every few seconds elsewhere.
 * Safe to call from several threads and from a hot loop: the text is made only when it is shown.
 */
public final class Progress implements AutoCloseable {
    private static final Duration LIVE_EVERY = Duration.ofMillis(100);

    private final Terminal terminal;
    private final long everyNanos;
    private final LongSupplier nanoTime;
    private long nextShow;
    private String lastShown = "";
    private boolean closed;

    Progress(Terminal terminal, Duration plainEvery, LongSupplier nanoTime) {
        this.terminal = terminal;
        this.everyNanos = (terminal.interactive() ? LIVE_EVERY : plainEvery).toNanos();
        this.nanoTime = nanoTime;
        // A log needs no line about work that ends before the first interval; a terminal shows at once.
        this.nextShow = nanoTime.getAsLong() + (terminal.interactive() ? 0 : everyNanos);
    }

    /** Progress on the error stream; without a terminal a line is written at most once per {@code plainEvery}. */
    public static Progress start(Duration plainEvery) {
        return new Progress(Terminal.current(), plainEvery, System::nanoTime);
    }

    /** Shows the text if it is time to. */
    public synchronized void update(Supplier<String> text) {
        long now = nanoTime.getAsLong();
        if (closed || now - nextShow < 0) {
            return;
        }
        nextShow = now + everyNanos;
        show(text.get());
    }

    /** Writes a line that stays, such as a validation result or the end of a stage. */
    public synchronized void line(String text) {
        terminal.line(text);
        lastShown = text;
    }

    /** Removes the live line. */
    @Override
    public synchronized void close() {
        closed = true;
        terminal.wipe();
    }

    private void show(String text) {
        if (terminal.interactive()) {
            terminal.live(text);
        } else if (!text.equals(lastShown)) {
            terminal.line(text);
        }
        lastShown = text;
    }
}
