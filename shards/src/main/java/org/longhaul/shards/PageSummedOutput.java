package org.longhaul.shards;

import java.io.IOException;
import java.io.OutputStream;

/** Passes a file's bytes on and sums every page of them, headers and padding included. */
final class PageSummedOutput extends BlockOutput {
    private final PageSumOutput sums;

    PageSummedOutput(OutputStream out, PageSumOutput sums) {
        super(out, ShardManifest.Shard.PAGE_BYTES);
        this.sums = sums;
    }

    @Override
    void sum(byte[] bytes, int offset, int length) {
        sums.sum(bytes, offset, length);
    }

    @Override
    void endBlock() throws IOException {
        sums.endPage();
    }

    /** Sums what is left; nothing may be written afterwards. The streams stay open. */
    void finish() throws IOException {
        endLastBlock();
        sums.finish();
    }
}
