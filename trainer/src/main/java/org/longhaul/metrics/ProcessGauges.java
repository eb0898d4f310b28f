package org.longhaul.metrics;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process itself takes, read when a page is asked for. */
public final class ProcessGauges {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ProcessGauges() {}

    /** Adds garbage collections, the heap and, on Linux, the memory of the process and its peak. */
    public static void into(Exposition page) {
        JvmWatch.Pauses pauses = JvmWatch.pauses();
        page.counter("gc_pause_seconds_total", "Time that garbage collections stopped this process.", pauses.millis() / 1e3);
        page.counter("gc_collections_total", "Garbage collections that stopped this process.", pauses.collections());
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        page.gauge("heap_used_bytes", "Java heap in use.", heap.getUsed());
        page.gauge("heap_max_bytes", "Java heap at most.", heap.getMax());
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith("VmRSS:")) {
                    page.gauge("process_resident_bytes", "Memory of this process.", kibibytes(line));
                } else if (line.startsWith("VmHWM:")) {
                    page.gauge("process_resident_peak_bytes", "The most memory that this process ever had.", kibibytes(line));
                }
            }
        } catch (IOException e) {
            // Not Linux: the page goes without.
        }
    }

    private static double kibibytes(String line) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024.0;
    }
}
