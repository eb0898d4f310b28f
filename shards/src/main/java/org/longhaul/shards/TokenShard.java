package org.longhaul.shards;

import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Path;

/**
 * The token ids of one shard as mapped memory: nothing is copied to the heap until asked for. Reads from several
 * threads are safe.
 */
final class TokenShard {
    private final ArrowMap map;
    private final TokenType type;
    private final ShortBuffer shorts;
    private final IntBuffer ints;

    /**
     * Maps a {@code .tokens.arrow} file.
     *
     * @throws org.longhaul.error.UserError naming the file when it is missing, cut or of another type
     */
    TokenShard(Path file, TokenType type) {
        this.map = new ArrowMap(file, Schemas.tokens(type), new int[] {type.bytes()});
        this.type = type;
        this.shorts = map.bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
        this.ints = map.bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    }

    Path file() {
        return map.file();
    }

    /** Number of tokens. */
    long tokens() {
        return map.rows();
    }

    /** The id at a position. */
    int tokenAt(long position) {
        int at = map.at(0, position);
        return type == TokenType.UINT16 ? shorts.get(at >> 1) & 0xFFFF : ints.get(at >> 2);
    }

    /** Copies ids [{@code from}, {@code from + count}) to {@code target[offset…]}. */
    void copy(long from, int count, int[] target, int offset) {
        check(from, count);
        for (int done = 0; done < count; ) {
            int n = run(from + done, count - done);
            int at = map.at(0, from + done);
            if (type == TokenType.UINT16) {
                int base = at >> 1;
                int to = offset + done;
                for (int i = 0; i < n; i++) {
                    target[to + i] = shorts.get(base + i) & 0xFFFF;
                }
            } else {
                ints.get(at >> 2, target, offset + done, n);
            }
            done += n;
        }
    }

    /** Copies 16-bit ids as they lie in the file; read them with {@code & 0xFFFF}. */
    void copy(long from, int count, short[] target, int offset) {
        if (type != TokenType.UINT16) {
            throw new IllegalStateException("ids of " + type.bytes() + " bytes do not fit a short: " + map.file());
        }
        check(from, count);
        for (int done = 0; done < count; ) {
            int n = run(from + done, count - done);
            shorts.get(map.at(0, from + done) >> 1, target, offset + done, n);
            done += n;
        }
    }

    /** Copies ids to the position of {@code target}, which advances. */
    void copy(long from, int count, IntBuffer target) {
        check(from, count);
        for (int done = 0; done < count; ) {
            int n = run(from + done, count - done);
            int at = map.at(0, from + done);
            if (type == TokenType.UINT16) {
                int base = at >> 1;
                for (int i = 0; i < n; i++) {
                    target.put(shorts.get(base + i) & 0xFFFF);
                }
            } else {
                target.put(ints.slice(at >> 2, n));
            }
            done += n;
        }
    }

    /** Tokens from a position that lie together in one record batch, at most {@code limit}. */
    private int run(long position, int limit) {
        return (int) Math.min(limit, map.rowsPerBatch() - position % map.rowsPerBatch());
    }

    private void check(long from, int count) {
        if (from < 0 || count < 0 || from + count > tokens()) {
            throw new IndexOutOfBoundsException("tokens " + from + " … " + (from + count) + " of " + tokens() + " in " + map.file());
        }
    }
}
