package org.longhaul.shards;

import java.io.IOException;
import java.nio.file.Path;
import org.longhaul.error.UserError;

/**
 * The token ids of one shard as mapped memory, read a page at a time and held against the page's checksum each time. Reads from several
 * threads are safe.
 */
final class TokenShard {
    private final ArrowMap map;
    private final TokenType type;
    private final PageSums sums;
    private final DamageReport report;
    private final int rowsPerPage;

    /**
     * Maps a {@code .tokens.arrow} file.
     *
     * @throws UserError naming the file when it is missing, cut or of another type
     */
    TokenShard(Path file, TokenType type) {
        this(file, type, null, null);
    }

    /** The same, with every id that {@link #copy(long, int, int[], int)} answers held against the sums; null checks nothing. */
    TokenShard(Path file, TokenType type, PageSums sums, DamageReport report) {
        this.sums = sums;
        this.report = report;
        this.rowsPerPage = rowsPerPage(type);
        this.map = new ArrowMap(file, Schemas.tokens(type), new int[] {type.bytes()});
        this.type = type;
    }

    /** Ids under one checksum. */
    static int rowsPerPage(TokenType type) {
        return ShardManifest.Shard.PAGE_BYTES / type.bytes();
    }

    /** Pages of so many tokens. */
    static long pages(TokenType type, long tokens) {
        return (tokens + rowsPerPage(type) - 1) / rowsPerPage(type);
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
        return type == TokenType.UINT16 ? map.bytes().getShort(at) & 0xFFFF : map.bytes().getInt(at);
    }

    /** Copies ids [{@code from}, {@code from + count}) to {@code target[offset…]}; throws UserError naming file and tokens that do not match their checksum. */
    void copy(long from, int count, int[] target, int offset) {
        check(from, count);
        TokenPage page = TokenPage.ofThread();
        for (int done = 0; done < count; ) {
            long number = (from + done) / rowsPerPage;
            int first = (int) ((from + done) % rowsPerPage);
            int n = Math.min(count - done, rowsPerPage - first);
            if (!page.holds(this, number)) {
                load(page, number);
            }
            page.ids(type, first, n, target, offset + done);
            done += n;
        }
    }

    /** Hands over the bytes of all ids, page by page. */
    void pages(ArrowOutput.Values sink) throws IOException {
        TokenPage page = TokenPage.ofThread();
        for (long row = 0; row < tokens(); row += rowsPerPage) {
            copy(page, row, (int) Math.min(rowsPerPage, tokens() - row));
            page.to(sink);
        }
    }

    private void copy(TokenPage page, long row, int rows) {
        page.begin();
        for (int done = 0; done < rows; ) {
            int n = run(row + done, rows - done);
            page.add(map.bytes(), map.at(0, row + done), n * type.bytes());
            done += n;
        }
    }

    private void load(TokenPage page, long number) {
        long row = number * rowsPerPage;
        int rows = (int) Math.min(rowsPerPage, tokens() - row);
        copy(page, row, rows);
        if (sums != null) {
            UserError damage = damage(number, row, rows, page.checksum());
            if (damage != null) {
                // Of a file that was cut there is nothing to go on with.
                map.requireSize();
                report.take(damage);
            }
        }
        page.loaded(this, number);
    }

    private UserError damage(long number, long row, int rows, int found) {
        int expected;
        try {
            expected = sums.of(number);
            if (found == expected) {
                return null;
            }
            sums.requireWhole();
        } catch (UserError e) {
            return e;
        }
        long at = map.at(0, row);
        return UserError.badInput(String.format(
                "%s: tokens %d to %d (bytes %d to %d) have the checksum %08x, %s says %08x: the file is damaged or another shard's; copy it again and start the "
                        + "job again, which goes on from its last checkpoint (`longhaul doctor CONFIG --verify` names all damage)",
                map.file(), row, row + rows - 1, at, at + (long) rows * type.bytes() - 1, found, sums.name(), expected));
    }

    /** What to tell of a mapping that the system could not read. */
    UserError unreadable(InternalError e) {
        return map.unreadable(e);
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
