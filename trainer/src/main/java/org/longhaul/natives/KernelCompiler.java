package org.longhaul.natives;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiles CUDA sources to machine code for one architecture and keeps the result on disk, keyed by everything that decides
 * it: source, options, architecture, NVRTC version. Safe for many processes over one folder.
 */
public final class KernelCompiler {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompiler.class);
    private static final String FORMAT = "1";

    private final Path cache;

    /** A compiler over a cache folder, which is made when first written. */
    public KernelCompiler(Path cache) {
        this.cache = cache;
    }

    /** NVRTC's version, for instance {@code 13.0}; UserError (exit 3) where there is none. */
    public static String version() {
        return Nvrtc.version();
    }

    /**
     * Machine code of a source, compiled or from the cache.
     *
     * @param name file name for messages
     * @param architecture real architecture, for instance {@code sm_90a}; see {@link CudaDevice#architecture}
     * @throws UserError exit 3 with the compiler's first error when the source does not compile
     */
    public byte[] compile(String name, String source, List<String> options, String architecture) {
        return compile(name, source, options, architecture, true);
    }

    /** As {@link #compile}, in place of a cached result that the driver refused. */
    public byte[] compileAgain(String name, String source, List<String> options, String architecture) {
        return compile(name, source, options, architecture, false);
    }

    private byte[] compile(String name, String source, List<String> options, String architecture, boolean cached) {
        List<String> all = new ArrayList<>();
        all.add("--gpu-architecture=" + architecture);
        all.add("--std=c++17");
        all.addAll(options);
        Path file = cache.resolve(name.replaceAll("[^A-Za-z0-9_.-]", "_") + "-" + architecture + "-" + key(source, all) + ".cubin");
        try {
            if (cached && Files.exists(file)) {
                return Files.readAllBytes(file);
            }
        } catch (IOException e) {
            LOG.warn("kernel cache file {} cannot be read ({}); compiling again", file, Reason.of(e));
        }
        long start = System.nanoTime();
        Nvrtc.Result result = Nvrtc.compile(name, source, all.toArray(new String[0]));
        if (result.cubin() == null) {
            throw UserError.environment("kernel " + name + " does not compile for " + architecture + " with NVRTC " + Nvrtc.version()
                    + ": " + firstError(result.log()) + "; please report it with the libtorch and CUDA versions of `longhaul doctor`");
        }
        if (!result.log().isEmpty()) {
            LOG.debug("NVRTC on {}: {}", name, result.log());
        }
        LOG.debug("compiled {} for {} in {} ms", name, architecture, (System.nanoTime() - start) / 1_000_000);
        keep(file, result.cubin());
        return result.cubin();
    }

    private static String firstError(String log) {
        return log.lines().filter(l -> l.contains("error")).findFirst().orElse(log.isEmpty() ? "no log" : log.lines().findFirst().get());
    }

    private static String key(String source, List<String> options) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : List.of(FORMAT, Nvrtc.version(), String.join("\u0000", options), source)) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    // Written aside and renamed, so that another process never reads half a file; a full disk costs speed, not the run.
    private static void keep(Path file, byte[] cubin) {
        try {
            Files.createDirectories(file.getParent());
            Path part = Files.createTempFile(file.getParent(), "cubin", ".part");
            Files.write(part, cubin);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("kernel cache {} cannot be written ({}); kernels will be compiled at every start", file.getParent(), e.toString());
        }
    }
}
