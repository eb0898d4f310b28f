package org.longhaul.launch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the kernel says of a process that does not end, where there is {@code /proc}. */
final class ProcessState {
    private ProcessState() {}

    /** In words; empty where it says nothing unusual. */
    static String of(long pid) {
        return words(Path.of("/proc", Long.toString(pid), "task"));
    }

    // A Java process's first thread only waits for the others: any of them may be the one that hangs.
    private static String words(Path tasks) {
        List<Character> states;
        try (Stream<Path> threads = Files.list(tasks)) {
            states = threads.map(ProcessState::state).toList();
        } catch (IOException | UncheckedIOException gone) {
            return "";
        }
        if (states.contains('T')) {
            return "stopped, as by SIGSTOP";
        }
        return states.contains('D') ? "a thread of it waits in the kernel, for a disk, a file server or a driver" : "";
    }

    // Behind the name, which may hold anything: "17 (a name) D 1 …".
    private static char state(Path thread) {
        try {
            String stat = Files.readString(thread.resolve("stat"), StandardCharsets.ISO_8859_1);
            int end = stat.lastIndexOf(')');
            return end < 0 || stat.length() < end + 3 ? '?' : stat.charAt(end + 2);
        } catch (IOException ended) {
            return '?';
        }
    }
}
