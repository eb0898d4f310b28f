package org.longhaul.shards;

import com.dynatrace.hash4j.hashing.HashStream128;
import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts and checksums what passes: XXH3-128 of the whole and XXH3-64 of every block, so that damage can be placed
 * within a block without a second copy of the file.
 */
final class ChecksumOutput extends BlockOutput {
    private final HashStream128 whole = Hashing.xxh3_128().hashStream();
    private final HashStream64 block = Hashing.xxh3_64().hashStream();
    private final List<String> blocks = new ArrayList<>();
    private long position;

    ChecksumOutput(OutputStream out, int blockBytes) {
        super(out, blockBytes);
    }

    @Override
    void sum(byte[] bytes, int offset, int length) {
        whole.putBytes(bytes, offset, length);
        block.putBytes(bytes, offset, length);
        position += length;
    }

    @Override
    void endBlock() {
        blocks.add(String.format("%016x", block.getAsLong()));
        block.reset();
    }

    /** Ends the last block; nothing may be written afterwards. */
    ShardManifest.DataFile finish(String name) throws IOException {
        endLastBlock();
        return new ShardManifest.DataFile(name, position, Hex.of(whole.get()), List.copyOf(blocks));
    }
}
