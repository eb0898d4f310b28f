package org.longhaul.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.longhaul.error.UserError;

class RunSummaryTest {
    private static List<JsonNode> lines(String... lines) throws Exception {
        List<JsonNode> nodes = new ArrayList<>();
        for (String line : lines) {
            nodes.add(new ObjectMapper().readTree(line));
        }
        return nodes;
    }

    @Test
    void lossesComeFromTheRightLines() throws Exception {
        RunSummary summary = RunSummary.of(lines(
                "{\"step\":1,\"loss\":9.0,\"consumed_tokens\":100,\"tokens_per_second\":10}",
                "{\"step\":1,\"validation_loss\":8.5,\"bits_per_byte\":3.5}",
                "{\"step\":2,\"loss\":5.0,\"consumed_tokens\":200,\"tokens_per_second\":1000}",
                "{\"step\":3,\"loss\":4.0,\"consumed_tokens\":300,\"tokens_per_second\":1100}",
                "{\"step\":3,\"validation_loss\":4.5,\"bits_per_byte\":1.8}"), 6.0, "m");
        assertEquals(List.of(
                "training    3 steps, 300 tokens, 1,000 tokens/s; loss 9.000 → 4.000 nats per token",
                "validation  loss 8.500 → 4.500 nats per token",
                "            3.500 → 1.800 bits per byte of text",
                "unigram     entropy 6.000 nats per token: the model is 1.500 below it"), summary.lines());
        assertTrue(summary.belowUnigramEntropy());
    }

    @Test
    void withoutValidationTheTrainingLossCounts() throws Exception {
        RunSummary summary = RunSummary.of(lines("{\"step\":1,\"loss\":9.0}"), 6.0, "m");
        assertFalse(summary.belowUnigramEntropy());
        assertTrue(summary.lines().get(1).endsWith("the model is 3.000 ABOVE it"), summary.lines().get(1));
    }

    @Test
    void aRunWithoutStepsIsNamed() throws Exception {
        assertThrows(UserError.class, () -> RunSummary.of(lines("{\"step\":1}"), 6.0, "m"));
    }
}
