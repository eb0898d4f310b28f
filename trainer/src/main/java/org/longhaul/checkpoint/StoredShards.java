package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.longhaul.error.Reason;
import org.longhaul.shards.ShardPlace;

/** A data set's files at a path or URI, wherever checkpoints could lie too: a folder, {@code hdfs://}, {@code s3a://}. */
public final class StoredShards implements ShardPlace {
    private final Storage storage;

    private StoredShards(Storage storage) {
        this.storage = storage;
    }

    /** Opens a place; throws UserError naming it and the mend when there is no client for it, or it does not answer. */
    public static StoredShards at(String uri) {
        return new StoredShards(Storages.open(uri));
    }

    @Override
    public String name() {
        return storage.root();
    }

    @Override
    public long length(String file) throws IOException {
        try {
            return storage.length(file);
        } catch (IOException e) {
            throw brief(e);
        }
    }

    @Override
    public Reader open(String file) throws IOException {
        Storage.Input in = opened(file);
        return new Reader() {
            @Override
            public int read(ByteBuffer target, long position) throws IOException {
                try {
                    return in.read(target, position);
                } catch (IOException e) {
                    throw brief(e);
                }
            }

            @Override
            public void close() throws IOException {
                in.close();
            }
        };
    }

    private Storage.Input opened(String file) throws IOException {
        try {
            return storage.open(file);
        } catch (IOException e) {
            throw brief(e);
        }
    }

    // Hadoop's messages end in advice of their own.
    private static IOException brief(IOException e) {
        String reason = Reason.of(e);
        int advice = reason.indexOf("; For more details see");
        return new IOException(advice < 0 ? reason : reason.substring(0, advice), e);
    }

    @Override
    public void close() throws IOException {
        storage.close();
    }
}
