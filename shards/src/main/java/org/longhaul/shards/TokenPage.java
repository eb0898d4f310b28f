package org.longhaul.shards;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * A thread's copy of one page of token ids. Ids are taken from the copy that was checked, so that no byte can change between the check and its
 * use, and a mapping whose file was cut is touched only where the virtual machine survives it.
 */
final class TokenPage {
    private static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final ThreadLocal<TokenPage> OF_THREAD = ThreadLocal.withInitial(TokenPage::new);

    private final byte[] bytes = new byte[ShardManifest.Shard.PAGE_BYTES];
    private final CRC32C crc = new CRC32C();
    private int length;
    private TokenShard shard;
    private long number;

    private TokenPage() {}

    static TokenPage ofThread() {
        return OF_THREAD.get();
    }

    boolean holds(TokenShard wanted, long page) {
        return shard == wanted && number == page;
    }

    void begin() {
        shard = null;
        length = 0;
    }

    void add(ByteBuffer source, int at, int count) {
        source.get(at, bytes, length, count);
        length += count;
    }

    void to(ArrowOutput.Values sink) throws IOException {
        sink.written(bytes, length);
    }

    int checksum() {
        crc.reset();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    void loaded(TokenShard owner, long page) {
        shard = owner;
        number = page;
    }

    /** Copies ids from a position in the page. */
    void ids(TokenType type, int first, int count, int[] target, int offset) {
        if (type == TokenType.UINT16) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = (short) SHORTS.get(bytes, 2 * (first + i)) & 0xFFFF;
            }
        } else {
            for (int i = 0; i < count; i++) {
                target[offset + i] = (int) INTS.get(bytes, 4 * (first + i));
            }
        }
    }
}
