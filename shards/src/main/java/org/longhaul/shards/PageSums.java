package org.longhaul.shards;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * The CRC32C of every page of a shard's token ids, or of its document file, from the file beside it. That file is held against the manifest when the shard is first
 * read, so that ids are bound to the manifest by two steps: manifest to sums, sums to ids. Safe for several threads.
 */
final class PageSums {
    private final Path file;
    private final ShardManifest.DataFile entry;
    private final long pages;
    private volatile ArrowMap map;

    /** @param pages how many there must be */
    PageSums(Path file, ShardManifest.DataFile entry, long pages) {
        this.file = file;
        this.entry = entry;
        this.pages = pages;
    }

    String name() {
        return entry.name();
    }

    /**
     * The checksum of a page.
     *
     * @throws UserError (exit 2) naming the file when it is not the manifest's
     */
    int of(long page) {
        ArrowMap sums = map;
        if (sums == null) {
            sums = open();
        }
        return sums.bytes().getInt(sums.at(0, page));
    }

    private synchronized ArrowMap open() {
        if (map == null) {
            requireWhole();
            ArrowMap sums = new ArrowMap(file, Schemas.pageSums(), new int[] {Integer.BYTES});
            if (sums.rows() != pages) {
                throw UserError.badInput(file + ": holds " + sums.rows() + " checksums, its shard has " + pages + " pages; copy the shard's files again");
            }
            map = sums;
        }
        return map;
    }

    /** Throws UserError when the file is not the one that the manifest means. */
    void requireWhole() {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e) + "; copy the file again", e);
        }
        String found = Hex.xxh3(bytes);
        if (!found.equals(entry.xxh3())) {
            throw UserError.badInput(file + ": has the checksum " + found + ", the manifest says " + entry.xxh3()
                    + ": the file is damaged or another shard's; copy it again");
        }
    }
}
