package org.longhaul.ops.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** CUDA sources in resources: one file per group of kernels behind one shared prelude. */
final class KernelSources {
    private KernelSources() {}

    private static final String VARIANTS = "_variants";

    /**
     * What NVRTC gets for {@code source}.cu; line numbers in messages are those of the files. A file of variants comes behind the one
     * that it varies.
     */
    static String text(String source) {
        String text = part("common.cuh");
        if (source.endsWith(VARIANTS)) {
            text += part(source.substring(0, source.length() - VARIANTS.length()) + ".cu");
        }
        return text + part(source + ".cu");
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
