package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HistoryTest {
    @Test
    void aFolderKnowsWhetherARunHasBegunInIt(@TempDir Path output) {
        assertFalse(History.began(output));
        new History(output).ended(7, "stopped", "SIGUSR1");
        assertTrue(History.began(output));
    }
}
