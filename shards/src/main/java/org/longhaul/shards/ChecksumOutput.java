package org.longhaul.shards;

import com.dynatrace.hash4j.hashing.HashStream128;
import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts and checksums what passes: XXH3-128 of the whole and XXH3-64 of every block, so that damage can be placed
 * within a block without a second copy of the file.
 */
final class ChecksumOutput extends FilterOutputStream {
    private final int blockBytes;
    private final HashStream128 whole = Hashing.xxh3_128().hashStream();
    private final HashStream64 block = Hashing.xxh3_64().hashStream();
    private final List<String> blocks = new ArrayList<>();
    private long position;
    private int inBlock;

    ChecksumOutput(OutputStream out, int blockBytes) {
        super(out);
        this.blockBytes = blockBytes;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        update(bytes, offset, length);
    }

    private void update(byte[] bytes, int offset, int length) {
        whole.putBytes(bytes, offset, length);
        position += length;
        int at = offset;
        int left = length;
        while (left > 0) {
            int n = Math.min(left, blockBytes - inBlock);
            block.putBytes(bytes, at, n);
            at += n;
            left -= n;
            inBlock += n;
            if (inBlock == blockBytes) {
                endBlock();
            }
        }
    }

    private void endBlock() {
        blocks.add(String.format("%016x", block.getAsLong()));
        block.reset();
        inBlock = 0;
    }

    /** Ends the last block; nothing may be written afterwards. */
    ShardManifest.DataFile finish(String name) {
        if (inBlock > 0) {
            endBlock();
        }
        return new ShardManifest.DataFile(name, position, Hex.of(whole.get()), List.copyOf(blocks));
    }
}
