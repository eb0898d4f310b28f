package org.longhaul.shards;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Passes bytes on and sums them block by block; the last block may be shorter than the others. */
abstract class BlockOutput extends FilterOutputStream {
    private final int blockBytes;
    private int inBlock;

    BlockOutput(OutputStream out, int blockBytes) {
        super(out);
        this.blockBytes = blockBytes;
    }

    /** Further bytes of the present block. */
    abstract void sum(byte[] bytes, int offset, int length);

    /** The present block is whole; the next bytes are another one's. */
    abstract void endBlock() throws IOException;

    @Override
    public final void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public final void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        for (int done = 0; done < length; ) {
            int n = Math.min(length - done, blockBytes - inBlock);
            sum(bytes, offset + done, n);
            done += n;
            inBlock += n;
            if (inBlock == blockBytes) {
                inBlock = 0;
                endBlock();
            }
        }
    }

    /** Ends the last block; nothing may be written afterwards. */
    final void endLastBlock() throws IOException {
        if (inBlock > 0) {
            inBlock = 0;
            endBlock();
        }
    }
}
