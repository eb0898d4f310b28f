package org.longhaul.shards;

import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.CRC32C;

/** Writes the CRC32C of every page of a column as an Arrow file of its own. */
final class PageSumOutput {
    private static final int SUMS_PER_BATCH = 1 << 15;

    private final ArrowOutput out;
    private final CRC32C crc = new CRC32C();
    private boolean ended;

    PageSumOutput(OutputStream out) throws IOException {
        this.out = new ArrowOutput(out, Schemas.pageSums(), new int[] {Integer.BYTES}, SUMS_PER_BATCH);
    }

    /** Adds values in their order; only the last call may bring a length that ends within a page. */
    void add(byte[] values, int length) throws IOException {
        if (ended) {
            throw new IllegalStateException("a page of " + ShardManifest.Shard.PAGE_BYTES + " bytes may not lie in two batches");
        }
        for (int at = 0; at < length; at += ShardManifest.Shard.PAGE_BYTES) {
            int n = Math.min(ShardManifest.Shard.PAGE_BYTES, length - at);
            sum(values, at, n);
            endPage();
            ended = n < ShardManifest.Shard.PAGE_BYTES;
        }
    }

    /** Further bytes of the present page, for those who count them. */
    void sum(byte[] bytes, int offset, int length) {
        crc.update(bytes, offset, length);
    }

    /** The present page is whole. */
    void endPage() throws IOException {
        out.column(0).putInt((int) crc.getValue());
        out.endRow();
        crc.reset();
    }

    /** Writes the footer; the stream stays open. */
    void finish() throws IOException {
        out.finish();
    }
}
