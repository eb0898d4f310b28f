package org.longhaul.shards;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.longhaul.error.UserError;

/**
 * Holds the pages of a mapped file against their checksums, each when it is first needed: a table of documents is read in small pieces all over, and once in the
 * memory of the system it is watched by its tiling. Safe for several threads, of which two may check the same page.
 */
final class PageGuard {
    private static final int PAGE = ShardManifest.Shard.PAGE_BYTES;
    private static final ThreadLocal<byte[]> COPY = ThreadLocal.withInitial(() -> new byte[PAGE]);

    private final PageSums sums;
    private final DamageReport report;
    private final boolean[] known;

    /** @param bytes of the file */
    PageGuard(PageSums sums, long bytes, DamageReport report) {
        this.sums = sums;
        this.report = report;
        this.known = new boolean[Math.toIntExact(pages(bytes))];
    }

    /** Pages of a file of so many bytes. */
    static long pages(long bytes) {
        return (bytes + PAGE - 1) / PAGE;
    }

    /** Checks the pages of bytes [{@code from}, {@code to}) that were not checked yet; throws UserError naming file and bytes, or tells. */
    void require(ArrowMap map, long from, long to) {
        for (int page = (int) (from / PAGE); page < (to + PAGE - 1) / PAGE && page < known.length; page++) {
            if (!known[page]) {
                try {
                    check(map, page);
                } catch (InternalError e) {
                    // What the virtual machine makes of a page fault that the system could not serve, at times some calls later.
                    throw map.unreadable(e);
                }
                known[page] = true;
            }
        }
    }

    private void check(ArrowMap map, int page) {
        ByteBuffer bytes = map.bytes();
        int at = page * PAGE;
        int length = Math.min(PAGE, bytes.limit() - at);
        byte[] copy = COPY.get();
        // A copy, because a mapping whose file was cut ends the virtual machine where native code reads it.
        bytes.get(at, copy, 0, length);
        CRC32C crc = new CRC32C();
        crc.update(copy, 0, length);
        UserError damage = damage(map.file(), page, at, length, (int) crc.getValue());
        if (damage != null) {
            map.requireSize();
            report.take(damage);
        }
    }

    private UserError damage(Path file, int page, int at, int length, int found) {
        try {
            int expected = sums.of(page);
            if (found == expected) {
                return null;
            }
            sums.requireWhole();
            return UserError.badInput(String.format(
                    "%s: bytes %d to %d have the checksum %08x, %s says %08x: the file is damaged or another shard's; copy it again and start the job again, which "
                            + "goes on from its last checkpoint (`longhaul doctor CONFIG --verify` names all damage)",
                    file, at, at + length - 1, found, sums.name(), expected));
        } catch (UserError e) {
            return e;
        }
    }
}
