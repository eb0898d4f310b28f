package org.longhaul.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

class ConfigPageTest {
    @TempDir Path folder;

    @Test
    void aStalePageIsNoticed() throws Exception {
        Path file = folder.resolve("configuration.md");
        assertThrows(UserError.class, () -> ConfigPage.write("a\n", file, true));
        assertEquals(0, ConfigPage.write("a\n", file, false));
        assertEquals("a\n", Files.readString(file));
        assertEquals(0, ConfigPage.write("a\n", file, true));
        assertThrows(UserError.class, () -> ConfigPage.write("b\n", file, true));
        assertThrows(UserError.class, () -> ConfigPage.write("b\n", null, true));
        UserError absent = assertThrows(UserError.class, () -> ConfigPage.write("b\n", folder.resolve("absent/x.md"), false));
        assertTrue(absent.getMessage().endsWith("x.md: no such file or folder"), absent.getMessage());
    }
}
