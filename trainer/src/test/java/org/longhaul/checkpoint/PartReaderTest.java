package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.longhaul.checkpoint.Manifest.Part;

class PartReaderTest {
    private static final int FILES = 700;
    private static final int CHUNK = 16;

    /** Files of a byte each, that counts how many are open. */
    private static final class Counting implements Storage {
        private final AtomicInteger open = new AtomicInteger();
        private final AtomicInteger most = new AtomicInteger();
        private final AtomicInteger opened = new AtomicInteger();

        @Override
        public Input open(String path) {
            opened.incrementAndGet();
            most.accumulateAndGet(open.incrementAndGet(), Math::max);
            byte content = content(Integer.parseInt(path.substring(path.indexOf('/') + 1)));
            return new Input() {
                @Override
                public int read(ByteBuffer destination, long position) {
                    destination.put(content);
                    return 1;
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                }
            };
        }

        @Override
        public String root() {
            return "counted";
        }

        @Override
        public boolean atomicRename() {
            return true;
        }

        @Override
        public List<Entry> children(String path) {
            return List.of();
        }

        @Override
        public long length(String path) {
            return 1;
        }

        @Override
        public void makeFolder(String path) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Output create(String path) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void rename(String from, String to) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void delete(String path) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void syncFolder(String path) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void theFilesOfACheckpointOfManyRanksAreNotAllOpenAtOnce() throws IOException {
        Counting storage = new Counting();
        try (PartReader reader = new PartReader(storage, "step", CHUNK)) {
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < FILES; i++) {
                    byte[] seen = new byte[1];
                    reader.read(part(i), 0, 1, (bytes, at) -> seen[0] = bytes.get(0));
                    assertEquals(content(i), seen[0]);
                }
            }
        }
        assertTrue(storage.most.get() <= 513, storage.most + " files open at once");
        assertTrue(storage.opened.get() < 2 * FILES, storage.opened + " times a file was opened: most stay open for the next round");
        assertEquals(0, storage.open.get(), "files still open");
    }

    private static Part part(int file) {
        StringBuilder crc = new StringBuilder();
        Checksums.append(crc, Checksums.of(ByteBuffer.wrap(new byte[] {content(file)})));
        return new Part(new long[] {file}, new long[] {1}, Integer.toString(file), 0, 1, crc.toString());
    }

    private static byte content(int file) {
        return (byte) (7 * file);
    }
}
