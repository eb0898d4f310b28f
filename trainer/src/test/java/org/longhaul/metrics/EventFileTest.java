package org.longhaul.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
    @TempDir
    private Path folder;

    @Test
    void checksumIsThePublishedOne() {
        // CRC-32C of 32 zero bytes is 8a9136aa (RFC 3720, B.4), masked as TensorFlow does.
        int masked = EventFile.maskedCrc(new byte[32]);
        assertEquals((0x8a9136aa >>> 15 | 0x8a9136aa << 17) + 0xa282ead8, masked);
    }

    @Test
    void recordsAreFramedAndHoldTheScalars() throws IOException {
        try (EventFile file = new EventFile(folder, 1000, 300)) {
            file.scalars(1001.5, 300, Map.of("train/loss", 2.5));
        }
        List<byte[]> records;
        try (var files = Files.list(folder)) {
            records = records(ByteBuffer.wrap(Files.readAllBytes(files.findFirst().orElseThrow())).order(ByteOrder.LITTLE_ENDIAN));
        }
        assertEquals(3, records.size());
        // Event{wall_time 1000, step 300, session_log{status START}}: TensorBoard drops what other files say of step 300 and later.
        ByteBuffer session = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        session.put((byte) 0x09).putDouble(1000).put((byte) 0x10).put((byte) 0xac).put((byte) 0x02);
        session.put((byte) 0x3a).put((byte) 2).put((byte) 0x08).put((byte) 1);
        assertArrayEquals(session.array(), records.get(1));
        byte[] name = "train/loss".getBytes();
        ByteBuffer want = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN);
        want.put((byte) 0x09).putDouble(1001.5).put((byte) 0x10).put((byte) 0xac).put((byte) 0x02);
        want.put((byte) 0x2a).put((byte) (name.length + 9)).put((byte) 0x0a).put((byte) (name.length + 7));
        want.put((byte) 0x0a).put((byte) name.length).put(name).put((byte) 0x15).putFloat(2.5f);
        byte[] expected = new byte[want.position()];
        want.flip().get(expected);
        assertArrayEquals(expected, records.get(2));
    }

    private static List<byte[]> records(ByteBuffer in) {
        List<byte[]> records = new ArrayList<>();
        while (in.hasRemaining()) {
            byte[] length = new byte[8];
            in.get(length);
            assertEquals(EventFile.maskedCrc(length), in.getInt());
            byte[] record = new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
            in.get(record);
            assertEquals(EventFile.maskedCrc(record), in.getInt());
            records.add(record);
        }
        return records;
    }
}
