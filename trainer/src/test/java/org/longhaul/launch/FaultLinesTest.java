package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What several ranks say alike is read once, and nothing else is held back. */
class FaultLinesTest {
    @Test
    void whatAnotherRankSaidIsCounted() {
        FaultLines said = new FaultLines();
        assertTrue(said.news(1, "longhaul: no folder"));
        assertTrue(said.news(1, "longhaul: no folder"));
        assertFalse(said.news(3, "longhaul: no folder"));
        assertFalse(said.news(0, "longhaul: no folder"));
        assertTrue(said.news(0, "longhaul: no GPU 0"));
        assertEquals(List.of("the same line came from rank(s) 0, 3 as from rank 1"), said.repeated());
        assertFalse(said.news(2, "longhaul: no GPU 0"));
        assertEquals(List.of("the same line came from rank(s) 0, 3 as from rank 1: longhaul: no folder",
                "the same line came from rank(s) 2 as from rank 0: longhaul: no GPU 0"), said.repeated());
    }

    @Test
    @Timeout(60)
    void ranksStillHaveTheirLastWords() {
        FaultLines said = new FaultLines();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        for (int rank = 0; rank < 3; rank++) {
            RankProcess process = RankProcess.start(rank, List.of("sh", "-c", "echo step 1; echo longhaul: no folder; echo bye"), Map.of(), out, true, said);
            process.onExit().join();
            assertEquals(0, process.status());
            assertEquals("no folder", process.lastWords());
        }
        String text = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(1, text.lines().filter(l -> l.contains("no folder")).count(), text);
        assertEquals(3, text.lines().filter(l -> l.contains("step 1")).count(), text);
        assertEquals(List.of("the same line came from rank(s) 1, 2 as from rank 0"), said.repeated());
    }
}
