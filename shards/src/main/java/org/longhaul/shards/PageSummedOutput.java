package org.longhaul.shards;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Passes a file's bytes on and sums every page of them, headers and padding included. */
final class PageSummedOutput extends FilterOutputStream {
    private final PageSumOutput sums;
    private final byte[] page = new byte[ShardManifest.Shard.PAGE_BYTES];
    private int filled;

    PageSummedOutput(OutputStream out, PageSumOutput sums) {
        super(out);
        this.sums = sums;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        for (int done = 0; done < length; ) {
            int n = Math.min(length - done, page.length - filled);
            System.arraycopy(bytes, offset + done, page, filled, n);
            filled += n;
            done += n;
            if (filled == page.length) {
                endPage();
            }
        }
    }

    private void endPage() throws IOException {
        sums.add(page, filled);
        filled = 0;
    }

    /** Sums what is left; nothing may be written afterwards. The streams stay open. */
    void finish() throws IOException {
        if (filled > 0) {
            endPage();
        }
        sums.finish();
    }
}
