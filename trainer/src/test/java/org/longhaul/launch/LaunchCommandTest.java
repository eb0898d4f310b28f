package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class LaunchCommandTest {
    @Test
    void ranksOfOneMachineShareItsMemoryAndCores() {
        List<String> alone = List.of("-XX:MaxRAMPercentage=25", "-Da=b");
        assertEquals(List.of("-XX:MaxRAMPercentage=25.0", "-Da=b"), LaunchCommand.share(alone, 1, 96));
        assertEquals(List.of("-XX:MaxRAMPercentage=6.25", "-Da=b", "-XX:ActiveProcessorCount=12"), LaunchCommand.share(alone, 8, 96));
        assertEquals(List.of("-Xmx8g", "-XX:ActiveProcessorCount=3"), LaunchCommand.share(List.of("-Xmx8g", "-XX:ActiveProcessorCount=3"), 8, 96));
        assertEquals(List.of("-XX:ActiveProcessorCount=2"), LaunchCommand.share(List.of(), 8, 2));
    }
}
