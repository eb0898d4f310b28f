package org.longhaul.launch;

import java.io.IOException;
import java.nio.file.Path;

/** A rank that tells where its run lies and then breaks, if it is number 1, or waits to be ended: {@code OUTPUT}. */
final class FailingRank {
    private FailingRank() {}

    public static void main(String[] args) throws IOException {
        RankEnvironment self = RankEnvironment.detect(System.getenv());
        RunPlace.tell(System.getenv(), self, Path.of(args[0]));
        if (self.rank() == 1) {
            System.err.println("longhaul: the shards of this node are gone");
            System.exit(3);
        }
        while (System.in.read() >= 0) {
            // Only the launcher's end or its signal ends this.
        }
    }
}
