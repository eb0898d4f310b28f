package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Remembers that SIGTERM, SIGINT, SIGUSR1 or SIGHUP (its terminal is gone; ignored under nohup) asked the run to save and end; a second SIGINT ends at once. Until {@link #begun} there is nothing to
 * save, and the process may wait for ranks that never come: it then ends at once as if it did not listen.
 */
final class StopRequest implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StopRequest.class);

    private final List<Runnable> restore = new ArrayList<>();
    private volatile String signal;
    private volatile boolean begun;

    /** Starts to listen. */
    static StopRequest listen() {
        StopRequest request = new StopRequest();
        for (String name : List.of("HUP", "TERM", "INT", "USR1")) {
            Signal s = new Signal(name);
            SignalHandler[] before = new SignalHandler[1];
            before[0] = Signal.handle(s, received -> {
                if (!request.begun) {
                    System.err.println("longhaul: SIG" + name + " before training began: nothing to save; ending");
                    System.err.flush();
                    Runtime.getRuntime().halt(128 + received.getNumber());
                }
                if (request.signal != null && name.equals("INT")) {
                    Runtime.getRuntime().halt(130);
                }
                request.raise("SIG" + name);
            });
            request.restore.add(() -> Signal.handle(s, before[0]));
        }
        return request;
    }

    /** All ranks have met: from now on a signal asks for a save. */
    void begun() {
        begun = true;
    }

    /** Asks to stop as a signal does. */
    void raise(String name) {
        if (signal != null) {
            // A scheduler may tell every process of a job, and the launcher passes it on as well.
            return;
        }
        signal = name;
        LOG.info("{} received: saving after this step, then ending", name);
    }

    boolean raised() {
        return signal != null;
    }

    String name() {
        return signal == null ? "another rank's signal" : signal;
    }

    @Override
    public void close() {
        restore.forEach(Runnable::run);
    }
}
