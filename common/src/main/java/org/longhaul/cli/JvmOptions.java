package org.longhaul.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The options that every JVM of ours needs: the launcher's, the tests' and those of Spark's executors. */
public final class JvmOptions {
    private JvmOptions() {}

    /**
     * The options for a JVM of the given feature version, for instance for {@code spark.executor.extraJavaOptions}.
     *
     * @param feature 17, 21, 25, …; {@code Runtime.version().feature()} for the present one
     */
    public static List<String> forVersion(int feature) {
        List<String> options = new ArrayList<>();
        try (InputStream in = JvmOptions.class.getResourceAsStream("/org/longhaul/jvm.options");
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            reader.lines().map(String::strip).filter(line -> !line.isEmpty() && !line.startsWith("#")).forEach(options::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (feature >= 24) {
            options.add("--sun-misc-unsafe-memory-access=allow");
            options.add("--enable-native-access=ALL-UNNAMED");
        }
        return List.copyOf(options);
    }
}
