package org.longhaul.data;

import com.dynatrace.hash4j.hashing.HashStream128;
import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;

/**
 * Stable 128-bit identity of a document: XXH3-128 (seed 0) over source, record id and payload. For each of the three the
 * UTF-8 bytes are fed, then their count as int32 little endian. It depends on nothing else: not on where a file lies, how the
 * work is cut, or which run it is.
 */
public record DocumentId(long high, long low) implements Serializable {
    /** The identity of one record. */
    public static DocumentId of(String source, String recordId, String payload) {
        HashStream128 stream = Hashing.xxh3_128().hashStream();
        stream.putByteArray(source.getBytes(StandardCharsets.UTF_8));
        stream.putByteArray(recordId.getBytes(StandardCharsets.UTF_8));
        stream.putByteArray(payload.getBytes(StandardCharsets.UTF_8));
        return from(stream);
    }

    /** The identity of one record whose payload is bytes, such as an HTML page. */
    public static DocumentId of(String source, String recordId, byte[] payload) {
        HashStream128 stream = Hashing.xxh3_128().hashStream();
        stream.putByteArray(source.getBytes(StandardCharsets.UTF_8));
        stream.putByteArray(recordId.getBytes(StandardCharsets.UTF_8));
        stream.putByteArray(payload);
        return from(stream);
    }

    private static DocumentId from(HashStream128 stream) {
        HashValue128 value = stream.get();
        return new DocumentId(value.getMostSignificantBits(), value.getLeastSignificantBits());
    }

    /** 32 lower-case hexadecimal digits. */
    @Override
    public String toString() {
        String digits = "0123456789abcdef";
        char[] out = new char[32];
        for (int i = 0; i < 16; i++) {
            out[i] = digits.charAt((int) (high >>> (60 - 4 * i)) & 15);
            out[16 + i] = digits.charAt((int) (low >>> (60 - 4 * i)) & 15);
        }
        return new String(out);
    }
}
