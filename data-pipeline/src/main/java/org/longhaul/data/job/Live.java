package org.longhaul.data.job;

import java.util.concurrent.atomic.LongAdder;

/**
 * Counters for the status line, bumped by the tasks of this process. They decide nothing: results are counted from
 * committed parts. On a cluster the tasks run elsewhere and the line shows finished parts alone.
 */
final class Live {
    static final LongAdder DOCUMENTS = new LongAdder();
    static final LongAdder KEPT = new LongAdder();
    static final LongAdder BYTES = new LongAdder();

    private Live() {}

    static void reset() {
        DOCUMENTS.reset();
        KEPT.reset();
        BYTES.reset();
    }
}
