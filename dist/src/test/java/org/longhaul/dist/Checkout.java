package org.longhaul.dist;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The folder of the project and the files that belong to it. */
final class Checkout {
    private Checkout() {}

    static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("scripts/longhaul"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("no scripts/longhaul above the working folder");
            }
        }
        return folder;
    }

    /** Tracked and new files that git does not ignore; in an unpacked archive, which has no git, every file outside of target. */
    static List<Path> files() throws IOException, InterruptedException {
        Path root = root();
        Process git = new ProcessBuilder("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").directory(root.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String names = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (git.waitFor() == 0) {
            List<Path> files = new ArrayList<>();
            for (String name : names.split("\0")) {
                Path file = root.resolve(name);
                if (!name.isEmpty() && Files.isRegularFile(file)) {
                    files.add(file);
                }
            }
            return files;
        }
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(Files::isRegularFile).filter(file -> !root.relativize(file).toString().matches("(.*/)?(target|\\.git)/.*")).toList();
        }
    }
}
