package org.longhaul.train;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.longhaul.bench.RandomShards;

/** Data sets of random tokens for the vocabulary of {@link TrainerTest#config}, and their damage. */
final class TestShards {
    private TestShards() {}

    /** Writes one of so many tokens and answers its folder. */
    static Path write(Path folder, int tokens) throws IOException {
        RandomShards.main(new String[] {folder.toString(), "96", Integer.toString(tokens)});
        return folder;
    }

    /** Turns a bit of a file's byte round; the second time it is as before. */
    static void flip(Path file, long at) throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.seek(at);
            int value = raw.read();
            raw.seek(at);
            raw.write(value ^ 4);
        }
    }
}
