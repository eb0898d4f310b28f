package org.longhaul.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Rendezvous;

class NcclMeetingTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Test
    void allMembersGetTheIdOfTheFirst() throws Exception {
        List<Integer> members = List.of(4, 1, 7, 2);
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<String> said = meet(store.port(), members, 4, false, PATIENCE, m -> "H200 GPU-" + m);
            assertEquals(List.of("id of 0", "id of 0", "id of 0", "id of 0"), said);
        }
    }

    @Test
    void twoOnOneGpuAreNamedOnEveryMemberUnlessTheyMay() throws Exception {
        List<Integer> members = List.of(0, 3, 5);
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<String> said = meet(store.port(), members, 3, false, PATIENCE, m -> m == 0 ? "GPU-a" : "GPU-b");
            for (String line : said) {
                assertTrue(line.startsWith("BAD_INPUT ranks 3 and 5 use the same GPU, GPU-b; "), line);
            }
        }
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            assertEquals(List.of("id of 0", "id of 0", "id of 0"), meet(store.port(), members, 3, true, PATIENCE, m -> "GPU-a"));
        }
    }

    @Test
    void whoDoesNotComeIsNamedOnEveryMemberThatCame() throws Exception {
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            List<String> said = meet(store.port(), List.of(0, 2, 4, 6, 8), 3, false, Duration.ofMillis(500), m -> "GPU-" + m);
            for (String line : said) {
                assertTrue(line.startsWith("ENVIRONMENT group: rank(s) 6, 8 did not come"), line);
            }
        }
    }

    @Test
    void theStoreIsAskedAFewTimesAMemberHoweverManyThereAre() throws Exception {
        int size = 64;
        List<Integer> members = new ArrayList<>();
        for (int m = 0; m < size; m++) {
            members.add(m);
        }
        try (Rendezvous store = Rendezvous.serve(0, "token"); CountingRelay relay = new CountingRelay(store.port())) {
            meet(relay.port(), members, size, false, PATIENCE, m -> "GPU-" + m);
            assertTrue(relay.connections() <= 5 * size, () -> relay.connections() + " connections for " + size + " ranks");
        }
    }

    private interface Gpus {
        String of(int member);
    }

    /** What the first {@code come} members said. */
    private static List<String> meet(int port, List<Integer> members, int come, boolean shared, Duration joining, Gpus gpus) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(come);
        try {
            List<Callable<String>> tasks = new ArrayList<>();
            for (int m = 0; m < come; m++) {
                int member = m;
                NcclMeeting meeting = new NcclMeeting(new Rendezvous.Client("127.0.0.1", port, "token", joining), joining, shared);
                tasks.add(() -> {
                    try {
                        return new String(meeting.meet("group", members, member, gpus.of(member), () -> ("id of " + member).getBytes()));
                    } catch (UserError e) {
                        return (e.exitCode() == ExitCode.BAD_INPUT ? "BAD_INPUT " : "ENVIRONMENT ") + e.getMessage();
                    }
                });
            }
            List<String> said = new ArrayList<>();
            for (Future<String> f : threads.invokeAll(tasks)) {
                said.add(f.get());
            }
            return said;
        } finally {
            threads.shutdownNow();
        }
    }
}
