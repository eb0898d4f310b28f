package org.longhaul.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TerminalTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicLong seconds = new AtomicLong();

    private Progress progress(boolean interactive) {
        return new Progress(new Terminal(bytes, interactive, 20), Duration.ofSeconds(10), () -> seconds.get() * 1_000_000_000L);
    }

    private String shown() {
        String text = bytes.toString(StandardCharsets.UTF_8);
        bytes.reset();
        return text;
    }

    @Test
    void aLogGetsAPlainLineEveryInterval() {
        try (Progress progress = progress(false)) {
            for (int step = 0; step < 25; step++) {
                int shownStep = step;
                progress.update(() -> "step " + shownStep);
                seconds.incrementAndGet();
            }
            progress.line("validation 3.2");
        }
        assertEquals("step 10\nstep 20\nvalidation 3.2\n", shown());
    }

    @Test
    void aTerminalGetsOneLineThatIsRewritten() {
        try (Progress progress = progress(true)) {
            progress.update(() -> "step 100");
            assertEquals("\rstep 100", shown());
            progress.update(() -> "too soon");
            assertEquals("", shown());
            seconds.incrementAndGet();
            progress.update(() -> "done");
            assertEquals("\rdone    \rdone", shown());
            progress.line("validation 3.2");
            assertEquals("\r    \rvalidation 3.2\n", shown());
            seconds.incrementAndGet();
            progress.update(() -> "a text wider than the terminal");
            assertEquals("\ra text wider than t", shown());
        }
        assertEquals("\r                   \r", shown());
    }

    @Test
    void otherOutputWipesTheLiveLineFirst() {
        Terminal terminal = new Terminal(bytes, true, 80);
        PrintStream err = new PrintStream(terminal, true, StandardCharsets.UTF_8);
        terminal.live("step 1");
        err.println("warning: é");
        assertEquals("\rstep 1\r      \rwarning: é\n", shown());
    }

    @Test
    void everyLineOfALongJobBeginsWithItsStamp() {
        Terminal terminal = new Terminal(bytes, false, 80);
        PrintStream err = new PrintStream(terminal, true, StandardCharsets.UTF_8);
        err.println("before");
        terminal.stamp(() -> "at " + seconds.incrementAndGet() + " ");
        terminal.line("step 1\nof two lines");
        err.print("half ");
        err.println("and half");
        err.println("a\nb");
        assertEquals("before\nat 1 step 1\nat 1 of two lines\nat 2 half and half\nat 3 a\nat 4 b\n", shown());
    }
}
