package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which of several failures is the cause of the others. */
class FailureTest {
    private static final Failure VICTIM = failure(0, 3, "world: rank 2 is gone (Connection reset)");
    private static final Failure CULPRIT = failure(2, 3, "/data/shards: cannot be read: Input/output error");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"world: rank 7 is gone (end of stream)", "world: rank 3 waited 600 s for rank(s) 12, 13 to join", "sum on rank 3 waited 600 s for rank 5",
        "rank 4 failed: no memory", "rank(s) 3, 12 have not reached it", "world: rank(s) 3-5 say nothing", "data: rank 3 waited 9 s for ranks [3, 4]"})
    void wordsAboutAnotherRankPointElsewhere(String words) {
        assertTrue(failure(3, 3, words).namesAnother(), words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "no GPU 3", "world: rank 3 cannot join: port in use", "the GPU of rank 3 has too little memory", "rank 30 of 64 is not what this looks for"})
    void wordsAboutItselfDoNot(String words) {
        assertFalse(failure(words.startsWith("rank 30") ? 30 : 3, 3, words).namesAnother(), words);
    }

    @Test
    void theLastLineOfAKilledRankIsNoComplaint() {
        assertFalse(failure(3, 137, "step 6: rank 1 on gpu02 computes 2.1 times as long as the others").namesAnother());
    }

    @Test
    void theFirstThatBlamesNobodyIsTheCauseElseTheFirst() {
        assertEquals(Optional.of(CULPRIT), Failure.first(List.of(VICTIM, CULPRIT)));
        assertEquals(Optional.of(CULPRIT), Failure.first(List.of(CULPRIT, failure(1, 70, "a defect"), VICTIM)));
        assertEquals(Optional.of(VICTIM), Failure.first(List.of(VICTIM, failure(1, 3, "world: rank 2 is gone"))));
        assertEquals(Optional.empty(), Failure.first(List.of()));
    }

    @Test
    void aKillIsTheMachinesAndAnotherSignalALibrarys() {
        assertEquals(3, failure(0, 137, "step 7").exit());
        assertEquals(70, failure(0, 139, "").exit());
        assertEquals(2, failure(0, 2, "x").exit());
        assertEquals("rank 0 on gpu07 (pid 9) was ended by signal 11 (SIGSEGV, in a native library), without a last word", failure(0, 139, "").text());
        assertEquals("rank 0 on gpu07 (pid 9) ended with status 3: x", failure(0, 3, "x").text());
    }

    @Test
    void whatSaidNothingItselfIsNamedBesideTheFirstCause() {
        Failure hung = Failure.hung(0, "gpu07", 3, 8, "did not end within 60 s and was killed");
        Failure victim = failure(0, 3, "world: rank(s) 3 say nothing");
        assertEquals(victim.text() + "; rank 3 on gpu07 (pid 8) did not end within 60 s and was killed", Failure.verdict(List.of(victim, hung)));
        assertEquals(Optional.of(CULPRIT), Failure.first(List.of(hung, victim, CULPRIT)));
        assertEquals(Optional.of(hung), Failure.first(List.of(hung)));
        assertEquals(3, hung.exit());
        assertEquals("", Failure.verdict(List.of()));
    }

    @Test
    void aNodeThatIsGoneIsTheCauseOfWhatItsPeersSay() {
        Failure node = Failure.lost(2, "gpu09", "no word of its launcher for 120 s");
        assertEquals(Optional.of(node), Failure.first(List.of(VICTIM, failure(1, 3, "NCCL reports a remote error"), node)));
        assertEquals("node 2 (gpu09) went silent: no word of its launcher for 120 s", node.text());
        assertEquals(3, node.exit());
        assertEquals(node, Failure.of(node.json().getBytes(StandardCharsets.UTF_8)));
    }

    /** 70 would call it a defect of a native library. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 9, 10, 12, 15})
    void aSignalFromOutsideIsTheMachinesFault(int signal) {
        assertEquals(3, failure(0, 128 + signal, "").exit());
    }

    @Test
    void itGoesThroughTheStoreAndBack() {
        assertEquals(CULPRIT, Failure.of(CULPRIT.json().getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aLineTellsTimeStepAttemptCauseAndTheOthers() throws IOException {
        Files.writeString(folder.resolve("metrics.jsonl"), "{\"step\":41,\"loss\":2}\n{\"step\":42,\"loss\":2}\n{\"step\":42,\"planned_bytes\":1}\n{\"step\":43,\"lo");
        FailureFile.append(folder, 1, CULPRIT, List.of(VICTIM, CULPRIT));
        FailureFile.append(folder, 2, failure(5, 137, ""), List.of());
        List<String> lines = Files.readAllLines(folder.resolve("failures.jsonl"));
        assertEquals(2, lines.size());
        JsonNode line = new ObjectMapper().readTree(lines.get(0));
        assertEquals(1, line.get("attempt").asInt());
        assertEquals(42, line.get("step").asLong());
        assertTrue(line.get("time").asText().endsWith("Z"), lines.get(0));
        assertEquals(2, line.at("/cause/rank").asInt());
        assertEquals(3, line.at("/cause/status").asInt());
        assertEquals(1, line.get("others").size());
        assertEquals(0, line.at("/others/0/rank").asInt());
        assertEquals(9, new ObjectMapper().readTree(lines.get(1)).at("/cause/signal").asInt());
        Failure lost = Failure.lost(2, "gpu09", "no word");
        Failure hung = Failure.hung(0, "gpu07", 3, 8, "did not end");
        FailureFile.append(folder, 3, lost, List.of(VICTIM, lost, hung));
        JsonNode third = new ObjectMapper().readTree(Files.readAllLines(folder.resolve("failures.jsonl")).get(2));
        assertEquals("{\"node\":2,\"host\":\"gpu09\",\"words\":\"no word\"}", third.get("cause").toString());
        assertEquals(9, third.at("/others/1/signal").asInt());
        assertEquals(Failure.verdict(List.of(VICTIM, lost, hung)), third.get("verdict").asText());
    }

    private static Failure failure(int rank, int status, String words) {
        return new Failure(0, "gpu07", rank, 9, status, words);
    }
}
