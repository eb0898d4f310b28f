package org.longhaul.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.longhaul.text.NearestMatch;

/** Suggests the file that a mistyped path probably meant. */
final class Nearby {
    private Nearby() {}

    static String hint(Path missing) {
        Path folder = missing.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            return folder == null ? "" : " (the folder " + missing.toAbsolutePath().getParent() + " does not exist)";
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names = files.map(file -> file.getFileName().toString()).sorted().collect(Collectors.toList());
            return NearestMatch.hint(missing.getFileName().toString(), names);
        } catch (IOException e) {
            return "";
        }
    }
}
