package org.longhaul.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DurationTextTest {
    @Test
    void commonFormsAreRead() {
        assertEquals(Duration.ofMillis(500), DurationText.parse("500ms"));
        assertEquals(Duration.ofSeconds(90), DurationText.parse("90s"));
        assertEquals(Duration.ofMinutes(5), DurationText.parse("5m"));
        assertEquals(Duration.ofMinutes(90), DurationText.parse("1h 30m"));
        assertEquals(Duration.ofDays(2), DurationText.parse("2d"));
        assertEquals(Duration.ofMinutes(5), DurationText.parse("PT5M"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "m", "5 parsecs", "-5m", "5m later", "99999999999999999999d", "9223372036854775807d", "36501d", "PT876001H", "P-40000D", "P"})
    void anythingElseIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> DurationText.parse(text));
    }

    @Test
    void whatIsFormattedReadsBackEqual() {
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            Duration duration = Duration.ofNanos(random.nextLong() >>> 3 + random.nextInt(60));
            assertEquals(duration, DurationText.parse(DurationText.format(duration)), duration.toString());
        }
        assertEquals("0s", DurationText.format(Duration.ZERO));
        assertEquals("1d2h3m4s5ms", DurationText.format(Duration.ofDays(1).plusHours(2).plusMinutes(3).plusSeconds(4).plusMillis(5)));
    }
}
