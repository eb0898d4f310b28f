package org.longhaul.ops.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** CUDA sources in resources: one file per group of kernels behind one shared prelude. */
final class KernelSources {
    private KernelSources() {}

    /** What NVRTC gets for {@code source}.cu; line numbers in messages are those of the files. */
    static String text(String source) {
        return part("common.cuh") + part(source + ".cu");
    }

    private static String part(String name) {
        return "#line 1 \"" + name + "\"\n" + resource(name) + "\n";
    }

    private static String resource(String name) {
        try (InputStream in = KernelSources.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the jar lacks its kernel source " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
