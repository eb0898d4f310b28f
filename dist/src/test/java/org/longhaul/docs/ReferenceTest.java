package org.longhaul.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The configuration reference is what the code says, and it leaves no key unexplained. */
class ReferenceTest {
    private static final Path PAGE = Path.of("../docs/configuration.md");

    @Test
    void thePageIsUpToDate() throws Exception {
        assertEquals(ConfigPage.page(), Files.readString(PAGE), "stale: run scripts/longhaul docs config docs/configuration.md");
    }

    @Test
    void everyKeySaysWhatItMeans() {
        assertTrue(ConfigPage.page().contains("\n## Data pipeline\n"), "no module contributes a configuration file");
        TreeSet<String> silent = new TreeSet<>();
        ConfigPage.page().lines().filter(line -> line.startsWith("| `") && line.endsWith(" |  |")).forEach(silent::add);
        assertEquals(new TreeSet<>(), silent);
    }
}
