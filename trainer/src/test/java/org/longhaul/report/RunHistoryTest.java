package org.longhaul.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunHistoryTest {
    private static final String START = "{\"time\":\"t1\",\"event\":\"start\",\"step\":7,\"how\":\"resumed\",\"host\":\"gpu07\",\"layout\":\"dp4.tp2\"}";
    private static final String STOPPED = "{\"time\":\"t2\",\"event\":\"end\",\"step\":9,\"outcome\":\"stopped\",\"why\":\"SIGUSR1\"}";
    private static final String FAILED = "{\"time\":\"t3\",\"event\":\"end\",\"step\":8,\"outcome\":\"failed\",\"why\":\"rank 1 is gone\"}";

    @Test
    void causesNameRankHostAndWords() throws Exception {
        String line = "{\"time\":\"t\",\"attempt\":0,\"step\":42,\"cause\":{\"rank\":5,\"host\":\"gpu07\",\"signal\":9,\"words\":\"step 42\"}}";
        assertEquals(List.of("cause       t behind step 42: rank 5 on gpu07 was ended by signal 9: step 42"),
                RunHistory.causes(List.of(new com.fasterxml.jackson.databind.ObjectMapper().readTree(line))));
        String node = "{\"time\":\"t\",\"attempt\":0,\"step\":42,\"verdict\":\"node 2 (gpu09) went silent\",\"cause\":{\"node\":2,\"host\":\"gpu09\"}}";
        assertEquals(List.of("cause       t behind step 42: node 2 (gpu09) went silent"),
                RunHistory.causes(List.of(new com.fasterxml.jackson.databind.ObjectMapper().readTree(node))));
    }

    @Test
    void startsEndsAndFailuresAreCounted() throws Exception {
        assertEquals(List.of("history     3 starts: 1 failed, 1 killed, 1 stopped", "failed      t3 at step 8: rank 1 is gone", "last        t2 stopped at step 9 by SIGUSR1"),
                lines(START, FAILED, START, START, STOPPED));
    }

    @Test
    void aStartWithoutAnEndMayStillRun() throws Exception {
        assertEquals(List.of("history     2 starts: 1 stopped", "now         runs since t1 on gpu07 as dp4.tp2 (resumed at step 7), or was killed"),
                lines(START, STOPPED, START));
        assertEquals(List.of(), lines());
    }

    private static List<String> lines(String... history) throws Exception {
        List<JsonNode> nodes = new ArrayList<>();
        for (String line : history) {
            nodes.add(new ObjectMapper().readTree(line));
        }
        return RunHistory.lines(nodes);
    }
}
