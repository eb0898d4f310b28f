package org.longhaul.natives;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** What cuBLASLt's own log says of a call that fails: its status alone seldom tells why. */
final class LibraryWords {
    private static final int MOST = 300;

    private LibraryWords() {}

    /** Repeats a failing call with the log on; its last error, behind a colon, or nothing. */
    static String of(Runnable call) {
        if (System.getenv("CUBLASLT_LOG_FILE") != null) {
            call.run();
            return ": see " + System.getenv("CUBLASLT_LOG_FILE");
        }
        Path folder = null;
        try {
            folder = Files.createTempDirectory("longhaul-cublaslt");
            Path log = folder.resolve("log");
            // The library keeps the file open for the rest of the process; it stays empty with the level back at 0.
            if (CublasLtApi.cublasLtLoggerOpenFile(log.toString()) != 0 || CublasLtApi.cublasLtLoggerSetLevel(1) != 0) {
                return "";
            }
            call.run();
            CublasLtApi.cublasLtLoggerSetLevel(0);
            List<String> lines = Files.readAllLines(log);
            String last = lines.stream().filter(l -> l.contains("[Error]")).reduce("", (x, y) -> y);
            String words = last.replaceFirst("^.*\\[Error\\]", "").strip();
            return words.isEmpty() ? "" : ": " + words.substring(0, Math.min(MOST, words.length()));
        } catch (IOException e) {
            return "";
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) {
        if (folder == null) {
            return;
        }
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            folder.toFile().deleteOnExit();
        }
    }
}
