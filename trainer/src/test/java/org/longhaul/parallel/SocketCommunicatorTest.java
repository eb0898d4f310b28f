package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.longhaul.error.UserError;
import org.longhaul.tensor.HostBackend;

class SocketCommunicatorTest extends CommunicatorContract {
    @Override
    List<Communicator> group(List<HostBackend> backends, Duration timeout) throws Exception {
        Duration joining = Duration.ofSeconds(20);
        Rendezvous rendezvous = Rendezvous.serve(0, "job");
        ExecutorService threads = Executors.newFixedThreadPool(backends.size());
        try (rendezvous) {
            List<Future<SocketExchange>> joins = new ArrayList<>();
            for (int r = 0; r < backends.size(); r++) {
                int rank = r;
                joins.add(threads.submit(() -> SocketExchange.join("test", rank, backends.size(),
                        new Rendezvous.Client("127.0.0.1", rendezvous.port(), "job", joining), timeout.plusSeconds(10))));
            }
            List<Communicator> group = new ArrayList<>();
            for (int r = 0; r < backends.size(); r++) {
                group.add(new HostCommunicator(joins.get(r).get().withTimeout(timeout), backends.get(r)));
            }
            return group;
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void aStrangerIsTurnedAway() {
        try (Rendezvous rendezvous = Rendezvous.serve(0, "mine")) {
            UserError e = assertThrows(UserError.class, () -> new Rendezvous.Client("127.0.0.1", rendezvous.port(), "theirs",
                    Duration.ofSeconds(5)).put("a", new byte[1]));
            assertTrue(e.getMessage().contains("another job"), e.getMessage());
        }
    }

    @Test
    void aDeadRendezvousIsNamed() {
        int port;
        try (Rendezvous rendezvous = Rendezvous.serve(0, "mine")) {
            port = rendezvous.port();
        }
        UserError e = assertThrows(UserError.class,
                () -> new Rendezvous.Client("127.0.0.1", port, "mine", Duration.ofMillis(300)).get("a"));
        assertTrue(e.getMessage().contains("127.0.0.1:" + port), e.getMessage());
    }

    @Test
    void aMissingValueIsNamed() {
        try (Rendezvous rendezvous = Rendezvous.serve(0, "mine")) {
            UserError e = assertThrows(UserError.class, () -> new Rendezvous.Client("127.0.0.1", rendezvous.port(), "mine",
                    Duration.ofMillis(300)).get("nccl/data"));
            assertTrue(e.getMessage().contains("nccl/data"), e.getMessage());
        }
    }
}
