package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.trust.Faults;

/** Runs drawn jobs beside one rank's run in one go, and makes those that fail smaller. */
final class FuzzRig {
    private static final int TRIES = 80;

    private final Path folder;
    private int runs;

    FuzzRig(Path folder) {
        this.folder = folder;
    }

    /** What went wrong; {@code refused} as a user's mistake, in one clear line. */
    record Failure(Throwable cause, boolean refused) {
        String kind() {
            return String.valueOf(cause.getMessage()).replaceAll("[0-9.E-]+", "#").lines().findFirst().orElse("");
        }

        @Override
        public String toString() {
            return cause.toString();
        }
    }

    /** Null where all is as it must be. */
    Failure run(FuzzJob job) throws IOException {
        Path here = Files.createDirectories(folder.resolve("job" + runs++));
        if (job.faults().isEmpty()) {
            System.clearProperty(Faults.PROPERTY);
        } else {
            System.setProperty(Faults.PROPERTY, job.faults());
        }
        try {
            UserError alone = null;
            List<FuzzRun.Done> reference = List.of();
            try {
                reference = FuzzRun.of(job.alone(), here.resolve("alone"));
            } catch (UserError e) {
                alone = e;
            }
            List<FuzzRun.Done> legs;
            try {
                legs = FuzzRun.of(job, here.resolve("drawn"));
            } catch (UserError e) {
                return new Failure(e, e.exitCode() == ExitCode.BAD_INPUT && e.getMessage().lines().count() == 1);
            }
            if (alone != null) {
                return new Failure(new AssertionError("one rank is refused, several are not: " + alone.getMessage(), alone), false);
            }
            new FuzzJudge(job).judge(reference, legs);
            return null;
        } catch (RuntimeException | Error e) {
            return new Failure(e, false);
        } finally {
            System.clearProperty(Faults.PROPERTY);
            delete(here);
        }
    }

    /** The smallest job found that fails in the same way: features are left out one at a time. */
    FuzzJob smallest(FuzzJob job, Failure failure) throws IOException {
        FuzzJob smallest = job;
        int tries = 0;
        boolean smaller = true;
        while (smaller && tries < TRIES) {
            smaller = false;
            for (FuzzJob candidate : smallest.simpler()) {
                if (++tries > TRIES) {
                    break;
                }
                Failure again = run(candidate);
                if (again != null && !again.refused && again.kind().equals(failure.kind())) {
                    smallest = candidate;
                    smaller = true;
                    break;
                }
            }
        }
        return smallest;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
