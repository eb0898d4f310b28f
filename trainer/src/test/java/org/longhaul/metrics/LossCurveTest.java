package org.longhaul.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class LossCurveTest {
    @TempDir
    private Path folder;

    private static String step(int step, double loss) {
        return String.format(Locale.ROOT, "{\"step\":%d,\"loss\":%s,\"learning_rate\":%s,\"consumed_tokens\":%d}", step, loss, Math.min(step, 10) * 1e-4, step * 1000L);
    }

    private List<String> texts(List<String> lines, double entropy) throws Exception {
        Files.write(folder.resolve("metrics.jsonl"), lines);
        Path svg = LossCurve.draw(folder, entropy).orElseThrow();
        NodeList texts = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(Files.readString(svg)))).getElementsByTagName("text");
        return IntStream.range(0, texts.getLength()).mapToObj(i -> texts.item(i).getTextContent()).toList();
    }

    @Test
    void saysWhatTheRunReached() throws Exception {
        List<String> lines = new ArrayList<>(IntStream.rangeClosed(1, 5000).mapToObj(i -> step(i, 10 / Math.sqrt(i))).toList());
        lines.add(2000, "{\"step\":2000,\"validation_loss\":0.3,\"bits_per_byte\":0.2,\"validation_tokens\":5}");
        lines.add("{\"step\":5000,\"validation_loss\":0.45,\"bits_per_byte\":0.25,\"validation_tokens\":5}");
        List<String> texts = texts(lines, 7.25);
        assertTrue(texts.contains("training loss 0.142 at step 5,000 (mean of the last 50 steps); validation 0.450 (0.250 bits per byte), lowest 0.300 at step 2,000"),
                texts.toString());
        assertTrue(texts.containsAll(List.of("step (5.0 million tokens in all)", "validation", "unigram entropy of the data, 7.25", "learning rate", "5,000", "1e-3")), texts.toString());
        assertTrue(Files.size(folder.resolve("loss.svg")) < 60_000, "thousands of steps stay a small picture");
    }

    @Test
    void aBandHoldsEveryStepOfItsColumn() throws Exception {
        List<String> lines = IntStream.rangeClosed(1, 10_000).mapToObj(i -> step(i, i % 2 == 0 ? 2 : 4)).toList();
        Files.write(folder.resolve("metrics.jsonl"), lines);
        LossCurve.draw(folder, 0);
        String svg = Files.readString(folder.resolve("loss.svg"));
        assertFalse(svg.contains("NaN") || svg.contains("Infinity"), svg);
        assertTrue(svg.contains("#bee3f8"), "a band");
    }

    @Test
    void oneStepAndStrangeNumbersAreDrawn() throws Exception {
        assertTrue(texts(List.of(step(1, 3)), 0).stream().anyMatch(t -> t.startsWith("training loss 3.000 at step 1")));
        List<String> texts = texts(List.of(step(1, 3), "{\"step\":2,\"loss\":\"NaN\"}", "{\"step\":3,\"loss\":null}", step(4, 1e30), step(5, 2), "{\"step\":6,\"lo"), 0);
        assertTrue(texts.stream().anyMatch(t -> t.startsWith("training loss 2.000 at step 5")), texts.toString());
    }

    @Test
    void nothingToDrawIsNoError() throws IOException {
        assertEquals(Optional.empty(), LossCurve.draw(folder, 1));
        Files.writeString(folder.resolve("metrics.jsonl"), "{\"step\":1,\"validation_loss\":3.0}\n");
        assertEquals(Optional.empty(), LossCurve.draw(folder, 1));
        assertFalse(Files.exists(folder.resolve("loss.svg")));
    }
}
