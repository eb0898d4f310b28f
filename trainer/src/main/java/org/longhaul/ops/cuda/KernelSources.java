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
        return "#line 1 \"common.cuh\"\n" + resource("common.cuh") + "\n#line 1 \"" + source + ".cu\"\n" + resource(source + ".cu");
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
