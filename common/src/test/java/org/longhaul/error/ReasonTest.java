package org.longhaul.error;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReasonTest {
    @TempDir
    private Path folder;

    @Test
    void whatJavaLeavesOutIsSaid() throws IOException {
        Path absent = folder.resolve("absent/file");
        assertEquals(absent + ": no such file or folder", Reason.of(assertThrows(IOException.class, () -> Files.writeString(absent, ""))));
        Path file = Files.writeString(folder.resolve("file"), "");
        assertEquals(file + ": is there already, and not as a folder", Reason.of(assertThrows(IOException.class, () -> Files.createDirectories(file))));
        assertEquals(file + ": is not a folder", Reason.of(assertThrows(IOException.class, () -> Files.newDirectoryStream(file))));
        assertEquals("f: permission denied", Reason.of(new AccessDeniedException("f")));
        assertEquals("No space left on device", Reason.of(new IOException("No space left on device\nmore")));
        assertEquals("java.io.IOException", Reason.of(new IOException()));
    }
}
