package org.longhaul.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the pages name is there: files and headings that they link to, scripts and configurations, classes of tests. */
class PagesTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]+)\\)");
    private static final Pattern PLACE = Pattern.compile("`((?:docs|configs|scripts|trainer|common)/[\\w./-]+)");
    private static final Pattern TEST = Pattern.compile("\\b([A-Z]\\w+Test)\\b");

    @Test
    void linksLeadSomewhere() throws IOException {
        Set<String> broken = new TreeSet<>();
        int seen = 0;
        for (Path page : pages()) {
            Matcher link = LINK.matcher(Files.readString(page));
            while (link.find()) {
                seen++;
                String[] target = link.group(1).split("#", 2);
                if (target[0].startsWith("http")) {
                    continue;
                }
                Path file = target[0].isEmpty() ? page : page.resolveSibling(target[0]).normalize();
                if (!Files.exists(file) || target.length == 2 && !headings(file).contains(target[1])) {
                    broken.add(page + ": " + link.group(1));
                }
            }
        }
        assertTrue(seen > 20, "only " + seen + " links were looked at");
        assertEquals(Set.of(), broken);
    }

    @Test
    void namedFilesAndTestsAreThere() throws IOException {
        Set<String> tests = new TreeSet<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path sources : modules.map(module -> module.resolve("src/test/java")).filter(Files::isDirectory).toList()) {
                try (Stream<Path> files = Files.walk(sources)) {
                    files.forEach(file -> tests.add(file.getFileName().toString().replace(".java", "")));
                }
            }
        }
        Set<String> missing = new TreeSet<>();
        for (Path page : pages()) {
            String text = Files.readString(page);
            PLACE.matcher(text).results().map(m -> m.group(1)).filter(place -> !Files.exists(ROOT.resolve(place)))
                    .forEach(place -> missing.add(page + ": " + place));
            TEST.matcher(text).results().map(m -> m.group(1)).filter(test -> !tests.contains(test)).forEach(test -> missing.add(page + ": " + test));
        }
        assertEquals(Set.of(), missing);
    }

    /** README and every page but the log, which tells of what is gone. */
    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
        try (Stream<Path> files = Files.walk(ROOT.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md") && !file.endsWith("log.md")).sorted().forEach(pages::add);
        }
        return pages;
    }

    private static Set<String> headings(Path page) throws IOException {
        return Files.readAllLines(page).stream().filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("^#+ ", "").toLowerCase(Locale.ROOT).replaceAll("[^\\w\\- ]", "").replace(' ', '-')).collect(Collectors.toSet());
    }
}
