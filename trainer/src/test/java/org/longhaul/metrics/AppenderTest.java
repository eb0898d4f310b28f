package org.longhaul.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppenderTest {
    @TempDir
    private Path folder;

    /** A file on a server that comes and goes: with it go the open files, for ever, and some bytes that were taken and not yet written. */
    private static final class Server implements Appender.Place {
        private byte[] file = {};
        private boolean down;
        private int opened;
        private int room = Integer.MAX_VALUE;

        @Override
        public WritableByteChannel open() throws IOException {
            if (down) {
                throw new IOException("Transport endpoint is not connected");
            }
            int mine = ++opened;
            return new WritableByteChannel() {
                @Override
                public int write(ByteBuffer source) throws IOException {
                    if (down || mine != opened) {
                        throw new IOException("Transport endpoint is not connected");
                    }
                    int n = Math.min(source.remaining(), room - file.length);
                    if (n <= 0) {
                        throw new IOException("No space left on device");
                    }
                    int end = file.length;
                    file = Arrays.copyOf(file, end + n);
                    source.get(file, end, n);
                    return n;
                }

                @Override
                public boolean isOpen() {
                    return mine == opened;
                }

                @Override
                public void close() throws IOException {
                    if (down || mine != opened) {
                        throw new IOException("Transport endpoint is not connected");
                    }
                }
            };
        }

        @Override
        public byte[] tail(int most) throws IOException {
            if (down) {
                throw new IOException("Transport endpoint is not connected");
            }
            return Arrays.copyOfRange(file, Math.max(0, file.length - most), file.length);
        }

        void die(int lost) {
            down = true;
            opened++;
            file = Arrays.copyOf(file, Math.max(0, file.length - lost));
        }
    }

    @Test
    void aServerThatComesAndGoesLosesNothing() throws IOException {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            Server server = new Server();
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            if (random.nextBoolean()) {
                all.writeBytes("what was there before\n".getBytes(StandardCharsets.UTF_8));
                server.file = all.toByteArray();
            }
            int before = all.size();
            try (Appender appender = new Appender(server)) {
                for (int i = 0; i < 60; i++) {
                    byte[] line = ("{\"step\":" + i + ",\"loss\":" + random.nextFloat() + "}\n").getBytes(StandardCharsets.UTF_8);
                    all.writeBytes(line);
                    appender.append(line);
                    try {
                        appender.flush();
                    } catch (IOException e) {
                        // It waits.
                    }
                    switch (random.nextInt(8)) {
                        case 0 -> server.die(random.nextInt(Math.min(200, server.file.length - before + 1)));
                        case 1 -> server.down = false;
                        case 2 -> server.room = server.file.length + random.nextInt(100);
                        case 3 -> server.room = Integer.MAX_VALUE;
                        default -> {
                        }
                    }
                }
                server.down = false;
                server.room = Integer.MAX_VALUE;
            }
            assertEquals(all.toString(StandardCharsets.UTF_8), new String(server.file, StandardCharsets.UTF_8), "seed " + seed);
        }
    }

    /** What is left of a mount point when the file system goes is a folder of the machine: lines written there would be hidden when it comes back. */
    @Test
    void aFolderThatIsGoneIsNotMadeAnew() throws IOException {
        Path there = Files.createDirectories(folder.resolve("mount/run"));
        Path away = folder.resolve("away");
        try (Appender appender = new Appender(there.resolve("metrics.jsonl"))) {
            appender.append("one\n".getBytes(StandardCharsets.UTF_8));
            appender.flush();
            assertEquals("one\n", Files.readString(there.resolve("metrics.jsonl")));
        }
        Files.move(there, away);
        assertThrows(NoSuchFileException.class, () -> new Appender(there.resolve("metrics.jsonl")));
        assertEquals(false, Files.exists(there));
    }
}
