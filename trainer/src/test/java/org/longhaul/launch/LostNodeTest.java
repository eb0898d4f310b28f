package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.parallel.Rendezvous;

/** A node that is gone whole says nothing; node 0's launcher does. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class LostNodeTest {
    @TempDir
    private Path folder;

    private final TestNodes nodes = new TestNodes();

    @AfterEach
    void end() {
        nodes.close();
    }

    /** The ranks of node 0 wait without end, or they fail by the loss and blame a rank. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aNodeThatIsGoneIsTheVerdict(boolean noticed) throws Exception {
        Path run = folder.resolve("run");
        List<String> rank = new ArrayList<>(TestNodes.jvm());
        rank.addAll(List.of(DeafRank.class.getName(), run.toString(), folder.resolve("blame").toString()));
        nodes.start(List.of("-Dtest.silence=" + (noticed ? 3600 : 3)), 0, rank, node -> ProcessBuilder.Redirect.PIPE);
        // Both ranks run.
        StringBuilder said = new StringBuilder();
        BufferedReader lines = nodes.get(0).inputReader();
        for (BufferedReader reader : List.of(nodes.get(1).inputReader(), lines)) {
            for (String line = ""; !line.endsWith("runs");) {
                line = reader.readLine();
                assertTrue(line != null, said.toString());
                said.append(line).append('\n');
            }
        }
        // The machine goes: its launcher first, so that nothing is told of its rank.
        List<ProcessHandle> ranks = nodes.get(1).children().toList();
        nodes.get(1).destroyForcibly().waitFor();
        ranks.forEach(ProcessHandle::destroyForcibly);
        if (noticed) {
            Files.createFile(folder.resolve("blame"));
        }
        lines.lines().forEach(line -> said.append(line).append('\n'));
        assertTrue(nodes.get(0).waitFor(120, TimeUnit.SECONDS), said.toString());
        assertEquals(3, nodes.get(0).exitValue(), said.toString());
        String last = said.toString().strip().lines().reduce((a, b) -> b).orElseThrow();
        assertTrue(last.matches(".*node 1 \\(" + HostName.here() + "\\) went silent: no word of its launcher for \\d+ s: that machine is down, or .*"), said.toString());
        JsonNode line = new ObjectMapper().readTree(Files.readAllLines(run.resolve("failures.jsonl")).get(0));
        assertEquals(1, line.at("/cause/node").asInt());
        assertTrue(line.at("/cause/rank").isMissingNode());
        assertEquals(noticed ? 1 : 0, line.get("others").size(), line.toString());
    }

    /** Node 0's launcher, gone before the other's ranks had given their memory back, made a finished job a failed one. */
    @Test
    void aNodeWhoseRanksEndLaterIsWaitedFor() throws Exception {
        nodes.start(List.of("-Dtest.grace=1"), 0, List.of("sh", "-c", "if [ $RANK = 1 ]; then sleep 9; fi"),
                node -> ProcessBuilder.Redirect.to(folder.resolve("log" + node).toFile()));
        for (int node = 0; node < 2; node++) {
            assertTrue(nodes.get(node).waitFor(120, TimeUnit.SECONDS));
            assertEquals(0, nodes.get(node).exitValue(), Files.readString(folder.resolve("log" + node)));
        }
    }

    @Test
    void onlySilenceOfThoseWhoHadComeCounts() throws Exception {
        try (Rendezvous store = Rendezvous.serve(0, "job"); Pulse node0 = Pulse.listening(store, 3)) {
            // As the launcher does, so that what launchers put outlives attempts.
            store.reset("job/none");
            Rendezvous.Client client = new Rendezvous.Client("127.0.0.1", store.port(), "job", Duration.ofSeconds(5));
            client.put("alive/2", "gpu09\nonce".getBytes(StandardCharsets.UTF_8));
            try (Pulse node1 = Pulse.beating(client, 1)) {
                while (node0.silent(Duration.ofSeconds(3), k -> false).isEmpty()) {
                    TimeUnit.MILLISECONDS.sleep(50);
                }
                assertEquals(2, node0.silent(Duration.ofSeconds(3), k -> false).orElseThrow().node());
                assertTrue(node0.silent(Duration.ofSeconds(3), k -> k == 2).isEmpty(), "one that has ended may be silent");
                assertEquals(List.of(2), node0.unheard(Duration.ofSeconds(3), k -> false).stream().map(Failure::node).toList());
                assertEquals(" (gpu09)", node0.host(2));
                assertEquals("", node0.host(7));
            }
        }
    }

    /** An address that nobody has, kept free for documents. */
    @Test
    void aNode0ThatCannotBeReachedForAMomentIsNotGone() {
        Lobby.Word word = new Lobby.Word("token", 0, 0, "");
        try (Lobby patient = new Lobby(plan(Duration.ofHours(1)), null, 9, () -> false); Lobby impatient = new Lobby(plan(Duration.ofNanos(1)), null, 9, () -> false)) {
            assertTrue(patient.others(word).gone().isEmpty());
            assertTrue(impatient.others(word).gone().orElseThrow().cause().contains("the launcher of node 0 is gone: the rendezvous 2001:db8::1:9 "));
        }
    }

    private static Launcher.Plan plan(Duration silence) {
        Duration hour = Duration.ofHours(1);
        return new Launcher.Plan(List.of("true"), 1, 2, 1, "2001:db8::1", 9, "job", 0, new Limits(hour, hour, hour, hour, hour, silence), false);
    }
}
