package org.longhaul.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The architecture page's table of rooms names every package that there is, and none that there is not. */
class ArchitecturePageTest {
    private static final Path ROOT = Path.of("..");

    @Test
    void everyRoomIsInTheTable() throws IOException {
        Set<String> packages = packages();
        Set<String> listed = listed();
        assertEquals(Set.of(), packages.stream().filter(p -> listed.stream().noneMatch(room -> inside(p, room)))
                .collect(Collectors.toCollection(TreeSet::new)), "not in docs/architecture.md");
        assertEquals(Set.of(), listed.stream().filter(room -> packages.stream().noneMatch(p -> inside(p, room)))
                .collect(Collectors.toCollection(TreeSet::new)), "in docs/architecture.md, and not in the sources");
    }

    private static boolean inside(String name, String room) {
        return name.equals(room) || name.startsWith(room + ".");
    }

    /** Packages below {@code org.longhaul} that hold a class. */
    private static Set<String> packages() throws IOException {
        Set<String> found = new TreeSet<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path sources : modules.map(module -> module.resolve("src/main/java/org/longhaul")).filter(Files::isDirectory).toList()) {
                try (Stream<Path> files = Files.walk(sources)) {
                    files.filter(file -> file.toString().endsWith(".java") && !file.endsWith("package-info.java"))
                            .forEach(file -> found.add(sources.relativize(file.getParent()).toString().replace('/', '.')));
                }
            }
        }
        return found;
    }

    /** The code words of the table's first column. */
    private static Set<String> listed() throws IOException {
        Set<String> rooms = new TreeSet<>();
        for (String line : Files.readAllLines(ROOT.resolve("docs/architecture.md"))) {
            if (line.startsWith("| `")) {
                Matcher word = Pattern.compile("`([^`]+)`").matcher(line.split("\\|")[1]);
                while (word.find()) {
                    rooms.add(word.group(1).replace("org.longhaul.", "").replace(".*", ""));
                }
            }
        }
        return rooms;
    }
}
