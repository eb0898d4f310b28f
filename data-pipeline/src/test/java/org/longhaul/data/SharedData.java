package org.longhaul.data;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Real inputs beside the checkout; a test that needs them is skipped visibly where they are absent. */
public final class SharedData {
    private SharedData() {}

    /** A file or folder under {@code shared/data}. */
    public static Path require(String relative) {
        String configured = System.getProperty("longhaul.shared", System.getenv("LONGHAUL_SHARED"));
        Path root = configured != null ? Path.of(configured) : besideCheckout();
        Path path = root.resolve("data").resolve(relative);
        Assumptions.assumeTrue(
                Files.exists(path), () -> "real input absent: " + path + " (set LONGHAUL_SHARED to its folder)");
        return path;
    }

    private static Path besideCheckout() {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.isDirectory(folder.resolve("shared").resolve("data"))) {
                return folder.resolve("shared");
            }
        }
        return Path.of("..", "..", "shared");
    }
}
