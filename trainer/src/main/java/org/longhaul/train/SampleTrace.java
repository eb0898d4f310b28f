package org.longhaul.train;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * Which samples a rank has read, a line each with number and checksum of the ids, so that runs can be compared for what they trained on: where the
 * environment variable {@code LONGHAUL_SAMPLES} names a folder. Lines of a run that goes on are added.
 */
final class SampleTrace implements AutoCloseable {
    static final String VARIABLE = "LONGHAUL_SAMPLES";

    private final Path file;
    private final BufferedWriter out;

    private SampleTrace(Path file, BufferedWriter out) {
        this.file = file;
        this.out = out;
    }

    /** For a rank; null where nobody asked. */
    static SampleTrace open(int rank) {
        String folder = System.getenv(VARIABLE);
        if (folder == null || folder.isBlank()) {
            return null;
        }
        Path file = Path.of(folder, "samples-" + rank + ".txt");
        try {
            Files.createDirectories(file.getParent());
            return new SampleTrace(file, Files.newBufferedWriter(file, StandardCharsets.US_ASCII, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
        } catch (IOException e) {
            throw cannot(file, e);
        }
    }

    /** Notes a sample whose inputs start at {@code from}. */
    void read(long sample, int[] inputs, int from, int context) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * context);
        bytes.asIntBuffer().put(inputs, from, context);
        CRC32C sum = new CRC32C();
        sum.update(bytes);
        try {
            out.write(sample + " " + Long.toHexString(sum.getValue()) + "\n");
            out.flush();
        } catch (IOException e) {
            throw cannot(file, e);
        }
    }

    private static UserError cannot(Path file, IOException e) {
        return UserError.environment(file + ": cannot be written: " + Reason.of(e) + "; unset " + VARIABLE + " or name another folder", e);
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw cannot(file, e);
        }
    }
}
