package org.longhaul.launch;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the launcher where the run's files lie, so that it can say there why an attempt failed. */
public final class RunPlace {
    /** What it is called in the rendezvous store. */
    static final String KEY = "run/output";

    private static final Logger LOG = LoggerFactory.getLogger(RunPlace.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private RunPlace() {}

    /** Rank 0 of a job that {@code longhaul launch} started tells; nothing happens elsewhere. */
    public static void tell(Map<String, String> environment, RankEnvironment self, Path output) {
        if (self.rank() != 0 || !RankEnvironment.launched(environment)) {
            return;
        }
        try {
            new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), PATIENCE)
                    .put(KEY, output.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8));
        } catch (UserError e) {
            LOG.debug("the launcher does not learn where the run's files lie: {}", e.getMessage());
        }
    }
}
