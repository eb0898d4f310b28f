package org.longhaul.shards;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.charset.StandardCharsets;

/** Hexadecimal form of checksums: 32 digits, most significant first, as xxhsum prints them. */
final class Hex {
    private Hex() {}

    static String of(HashValue128 hash) {
        return String.format("%016x%016x", hash.getMostSignificantBits(), hash.getLeastSignificantBits());
    }

    static String xxh3(byte[] bytes) {
        return of(Hashing.xxh3_128().hashBytesTo128Bits(bytes));
    }

    static String xxh3(String text) {
        return xxh3(text.getBytes(StandardCharsets.UTF_8));
    }
}
