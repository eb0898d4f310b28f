package org.longhaul.metrics;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;

/** What the Java machine does behind a thread's back: collections of garbage that held it up, and what it allocated itself. */
public final class JvmWatch {
    private static final com.sun.management.ThreadMXBean THREADS = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final List<GarbageCollectorMXBean> collectors;
    private long pauseMillis;
    private long collections;
    private long allocated;

    /**
     * What happened in an interval.
     *
     * @param pauseMillis time of collections that stop all threads, milliseconds
     * @param collections their number
     * @param allocatedBytes by the calling thread
     */
    public record Interval(long pauseMillis, long collections, long allocatedBytes) {}

    /** Collections that stop all threads since the process began: their time in milliseconds, their number. */
    public record Pauses(long millis, long collections) {}

    /** Starts an interval of the calling thread. */
    public JvmWatch() {
        collectors = pausing();
        restart();
    }

    /** What happened since the process began. */
    public static Pauses pauses() {
        List<GarbageCollectorMXBean> all = pausing();
        return new Pauses(all.stream().mapToLong(c -> Math.max(0, c.getCollectionTime())).sum(),
                all.stream().mapToLong(c -> Math.max(0, c.getCollectionCount())).sum());
    }

    // Collectors that run beside the program report their cycles under names of their own.
    private static List<GarbageCollectorMXBean> pausing() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .filter(c -> !c.getName().contains("Cycles") && !c.getName().contains("Concurrent")).toList();
    }

    /** Ends the interval and starts the next; on the thread that started it. */
    public Interval next() {
        long millis = pauseMillis;
        long count = collections;
        long bytes = allocated;
        restart();
        return new Interval(pauseMillis - millis, collections - count, allocated - bytes);
    }

    private void restart() {
        long millis = 0;
        long count = 0;
        for (int i = 0; i < collectors.size(); i++) {
            millis += Math.max(0, collectors.get(i).getCollectionTime());
            count += Math.max(0, collectors.get(i).getCollectionCount());
        }
        pauseMillis = millis;
        collections = count;
        allocated = THREADS.getCurrentThreadAllocatedBytes();
    }
}
