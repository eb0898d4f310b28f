package org.longhaul.data.url;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

class UrlFilterTest {
    @TempDir
    Path folder;

    private final UrlFilter filter = new UrlFilter(
            Set.of("bad.example"), Set.of("good.example/one/page"), Set.of("casino"), Set.of("free", "win", "now"), 2, Set.of("xbadx"));

    private String reason(String url) {
        return filter.judge(url).reason();
    }

    @Test
    void everyRuleInItsOrder() {
        assertEquals("kept", reason(""));
        assertEquals("kept", reason("https://good.example/"));
        assertEquals("domain", reason("http://Bad.Example/casino"));
        assertEquals("domain", reason("https://user:pw@www.sub.bad.example:8080/x"));
        assertEquals("kept", reason("https://notbad.example/"));
        assertEquals("url", reason("http://www.good.example/one/page/#part"));
        assertEquals("hard_word", reason("https://good.example/the-casino-page"));
        assertEquals("kept", reason("https://good.example/casinos"));
        assertEquals("kept", reason("https://good.example/free/free"));
        assertEquals("soft_words", reason("https://good.example/free/win"));
        assertEquals("substring", reason("https://good.example/x-b.a_d/x"));
    }

    @Test
    void matcherEqualsIndexOfOnRandomStrings() {
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            Set<String> strings = new HashSet<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                strings.add(word(random, 1 + random.nextInt(4)));
            }
            String text = word(random, random.nextInt(20));
            assertEquals(strings.stream().anyMatch(text::contains), new SubstringMatcher(strings).occursIn(text), "seed " + seed);
        }
    }

    private static String word(Random random, int length) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < length; i++) {
            out.append((char) ('a' + random.nextInt(2)));
        }
        return out.toString();
    }

    @Test
    void listsComeFromFiles() throws IOException {
        Path list = Files.writeString(folder.resolve("domains.txt"), "# comment\n\nBad.Example\n");
        UrlSettings settings = new UrlSettings(list.toString(), "", "", "", 2, "");
        assertTrue(settings.enabled());
        assertEquals("domain", UrlFilter.of(new Configuration(false), settings).judge("https://bad.example").reason());
        UserError missing = assertThrows(UserError.class,
                () -> UrlFilter.of(new Configuration(false), new UrlSettings("", folder + "/none", "", "", 2, "")));
        assertTrue(missing.getMessage().contains("url.urls: " + folder + "/none does not exist"), missing.getMessage());
        Path empty = Files.writeString(folder.resolve("empty.txt"), "# nothing\n");
        assertThrows(UserError.class,
                () -> UrlFilter.of(new Configuration(false), new UrlSettings("", "", empty.toString(), "", 2, "")));
    }
}
