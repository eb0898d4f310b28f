package org.longhaul.natives;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measured choices on disk: one file a shape, in a folder named by everything else that decides them. */
final class GemmChoices {
    private static final Logger LOG = LoggerFactory.getLogger(GemmChoices.class);

    private final Path folder;

    /** An algorithm's bytes and how it was found. */
    record Choice(byte[] algorithm, String remark) {}

    /** @param method the version of the way of measuring: its choices are not those of another */
    GemmChoices(Path cache, CudaDevice device, long workspaceBytes, int method) {
        folder = cache.resolve((device.name() + "-" + device.multiprocessors() + "sm-cublasLt-" + CublasLtApi.cublasLtGetVersion() + "-w"
                + (workspaceBytes >> 20) + "-method" + method).replaceAll("[^A-Za-z0-9_.-]", "_"));
    }

    Path folder() {
        return folder;
    }

    private Path file(GemmShape shape) {
        return folder.resolve(shape.key() + ".algo");
    }

    Optional<Choice> recall(GemmShape shape) {
        try {
            if (!Files.exists(file(shape))) {
                return Optional.empty();
            }
            List<String> lines = Files.readAllLines(file(shape));
            byte[] algorithm = HexFormat.of().parseHex(lines.get(0));
            if (algorithm.length == CublasLtApi.ALGO_BYTES) {
                return Optional.of(new Choice(algorithm, lines.get(1)));
            }
            LOG.warn("measured choice {} is damaged; measuring again", file(shape));
        } catch (IOException | RuntimeException e) {
            LOG.warn("measured choice {} cannot be used ({}); measuring again", file(shape), e.toString());
        }
        return Optional.empty();
    }

    void keep(GemmShape shape, Choice choice) {
        try {
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "algo", ".part");
            Files.write(part, (HexFormat.of().formatHex(choice.algorithm) + "\n" + choice.remark + "\n").getBytes(StandardCharsets.UTF_8));
            Files.move(part, file(shape), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("measured choices cannot be kept in {} ({}); every start will measure again", folder, e.toString());
        }
    }
}
