package org.longhaul.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Prometheus' text format 0.0.4, character by character. */
class ExpositionTest {
    private final Exposition page = new Exposition(new LinkedHashMap<>(Map.of("run", "a \"b\" \\c\nd")));

    @Test
    void aSampleHasHelpTypeLabelsAndValue() {
        page.gauge("loss_nats", "Back\\slash and\nline.", 2.5);
        assertEquals("""
                # HELP longhaul_loss_nats Back\\\\slash and\\nline.
                # TYPE longhaul_loss_nats gauge
                longhaul_loss_nats{run="a \\"b\\" \\\\c\\nd"} 2.5
                """, page.toString());
    }

    @Test
    void numbersAreAsTheFormatWantsThem() {
        Exposition plain = new Exposition(Map.of());
        plain.gauge("a", "A.", Double.NaN).gauge("b", "B.", Double.POSITIVE_INFINITY).gauge("c", "C.", Double.NEGATIVE_INFINITY)
                .gauge("d", "D.", 123_456_789_012L).gauge("e", "E.", 4.2e-4).counter("f_total", "F.", 0);
        assertEquals("longhaul_a NaN,longhaul_b +Inf,longhaul_c -Inf,longhaul_d 123456789012,longhaul_e 4.2E-4,longhaul_f_total 0",
                String.join(",", plain.toString().lines().filter(l -> !l.startsWith("#")).toList()));
    }

    @Test
    void aFamilyHasOneHeadAndALineForEachSample() {
        page.gauge("mfu_ratio", "M.", Map.of(Map.of("attention", "full"), 0.5, Map.of("attention", "causal"), 0.25));
        assertEquals(2, page.toString().lines().filter(l -> l.startsWith("#")).count());
        assertTrue(page.toString().contains(",attention=\"full\"} 0.5\n"), page.toString());
        assertTrue(page.toString().contains(",attention=\"causal\"} 0.25\n"), page.toString());
    }

    @Test
    void namesAreWellFormedAndStandOnce() {
        page.gauge("step", "S.", 1);
        assertThrows(IllegalArgumentException.class, () -> page.gauge("step", "S.", 2));
        assertThrows(IllegalArgumentException.class, () -> page.gauge("Bad-Name", "B.", 2));
        assertThrows(IllegalArgumentException.class, () -> page.counter("spikes", "No _total.", 2));
    }
}
