package org.longhaul.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class TrackedFilesTest {
    /** Absolute paths that exist on one machine only; written so that this file does not match itself. */
    private static final Pattern MACHINE_PATH = Pattern.compile("(?<![\\w.})/-])/(?:work|root)" + "/[\\w.]+");
    private static final int LONGEST_SOURCE = 500;

    @Test
    void noFileNamesAPathOfOneMachine() throws Exception {
        TreeSet<String> found = new TreeSet<>();
        for (Path file : Checkout.files()) {
            Matcher matcher = MACHINE_PATH.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
            while (matcher.find()) {
                found.add(Checkout.root().relativize(file) + ": " + matcher.group());
            }
        }
        assertEquals(new TreeSet<>(), found);
        assertTrue(MACHINE_PATH.matcher("see /wo" + "rk/x").find(), "the pattern finds nothing at all");
    }

    @Test
    void noFileIsLargerThanAMebibyte() throws Exception {
        TreeSet<String> large = new TreeSet<>();
        for (Path file : Checkout.files()) {
            if (Files.size(file) > 1 << 20) {
                large.add(Checkout.root().relativize(file) + ": " + Files.size(file));
            }
        }
        assertEquals(new TreeSet<>(), large);
    }

    @Test
    void sourcesStaySmall() throws Exception {
        TreeSet<String> large = new TreeSet<>();
        for (Path file : Checkout.files()) {
            if (file.toString().endsWith(".java")) {
                List<String> lines = Files.readAllLines(file);
                if (lines.size() > LONGEST_SOURCE) {
                    large.add(Checkout.root().relativize(file) + ": " + lines.size() + " lines");
                }
            }
        }
        assertEquals(new TreeSet<>(), large);
    }
}
