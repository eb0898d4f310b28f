package org.longhaul.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.longhaul.parallel.Rendezvous;

@Timeout(60)
class StallInquiryTest {
    private static final Map<String, Long> POSITION = Map.of("world", 7L, "data", 3L);

    @Test
    void aLookAsksTheStoreOnce() throws IOException {
        try (Rendezvous store = Rendezvous.serve(0, "token"); CountingRelay relay = new CountingRelay(store.port())) {
            StallInquiry watch = inquiry(relay.port(), 1);
            for (int look = 1; look <= 20; look++) {
                assertEquals(Optional.empty(), watch.look(() -> POSITION));
                assertEquals(look, relay.connections());
            }
        }
    }

    @Test
    void whatOneConcludesWithoutAskingAnybodyIsHeardByAllAtTheirNextLook() {
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            StallInquiry silent = inquiry(store.port(), 1);
            assertEquals(Optional.empty(), silent.look(() -> POSITION));
            inquiry(store.port(), 2).conclude("rank 2 failed: no memory");
            inquiry(store.port(), 0).conclude("a later one's");
            assertEquals(Optional.of("rank 2 failed: no memory"), silent.look(() -> POSITION));
            assertEquals(Optional.of("rank 2 failed: no memory"), silent.look(() -> POSITION));
        }
    }

    @Test
    void whoIsAskedAnswersOnceAndThenHearsWhatCameOfIt() {
        try (Rendezvous store = Rendezvous.serve(0, "token")) {
            StallInquiry asker = inquiry(store.port(), 0);
            StallInquiry behind = inquiry(store.port(), 1);
            StallInquiry level = inquiry(store.port(), 2);
            // As the asker raises it.
            new Rendezvous.Client("127.0.0.1", store.port(), "token", Duration.ofSeconds(20)).put("stall/alarm", new byte[0]);
            assertEquals(Optional.empty(), behind.look(() -> POSITION));
            assertEquals(Optional.empty(), level.look(() -> Map.of("world", 8L)));
            assertEquals("rank(s) 1 have not reached it", asker.ask("sum", "world", 8, List.of(0, 1, 2), Map.of("world", 8L)));
            asker.conclude("sum: rank(s) 1 have not reached it");
            assertEquals(Optional.of("sum: rank(s) 1 have not reached it"), behind.look(() -> POSITION));
            assertEquals(Optional.of("sum: rank(s) 1 have not reached it"), level.look(() -> POSITION));
        }
    }

    private static StallInquiry inquiry(int port, int rank) {
        return new StallInquiry(new Rendezvous.Client("127.0.0.1", port, "token", Duration.ofSeconds(20)), rank, 3, 0);
    }
}
