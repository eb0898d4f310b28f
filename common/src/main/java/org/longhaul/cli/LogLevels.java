package org.longhaul.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The levels of log lines that the environment may name; log4j takes what it does not know for its own default, without a word. */
final class LogLevels {
    private static final List<String> VARIABLES = List.of("LONGHAUL_LOG", "LONGHAUL_LIBRARY_LOG");
    private static final List<String> LEVELS = List.of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF");

    private LogLevels() {}

    /** What is wrong with the levels in the environment, as one line; empty where all are known. */
    static Optional<String> complaint(Map<String, String> env) {
        return VARIABLES.stream().filter(env::containsKey).filter(name -> !LEVELS.contains(env.get(name).toUpperCase(Locale.ROOT))).findFirst()
                .map(name -> name + " in the environment is '" + env.get(name) + "'; it must be one of " + String.join(", ", LEVELS) + ", or unset");
    }
}
