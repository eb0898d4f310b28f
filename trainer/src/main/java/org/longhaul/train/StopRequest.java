package org.longhaul.train;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.longhaul.launch.JobEnd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Remembers that SIGTERM, SIGINT, SIGUSR1 or SIGHUP (its terminal is gone; ignored under nohup) asked the run to save and end; a second SIGINT ends at once. Until {@link #begun} there is nothing to
 * save, and the process may wait for ranks that never come: it then ends at once as if it did not listen.
 * A job whose end is known asks by itself in time for a save.
 */
final class StopRequest implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StopRequest.class);

    private static final Duration SHORT = Duration.ofMinutes(10);

    private final List<Runnable> restore = new ArrayList<>();
    private volatile String signal;
    private volatile boolean begun;
    private JobEnd end;

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
        raise(name, name + " received");
    }

    private void raise(String name, String why) {
        if (signal != null) {
            // A scheduler may tell every process of a job, and the launcher passes it on as well.
            return;
        }
        signal = name;
        LOG.info("{}: saving after this step, then ending", why);
    }

    /** The scheduler ends the job by itself: training asks from now on whether there is time left. */
    void endsWith(JobEnd jobEnd) {
        end = jobEnd;
        LOG.info("{}", jobEnd.words());
        if (jobEnd.left().compareTo(SHORT) < 0) {
            LOG.warn("that is hardly enough for a start and a save: ask for more time (sbatch --time)");
        }
    }

    /** Asks to stop where the job ends before a save could be complete that may take so many seconds. For the training thread. */
    void requireTime(double seconds) {
        if (end != null && signal == null && end.before(seconds)) {
            raise("the end of the job", end.words() + String.format(Locale.ROOT, ", and steps and saves may need %.0f s", seconds));
        }
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
