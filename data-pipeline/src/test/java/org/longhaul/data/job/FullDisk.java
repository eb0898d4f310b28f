package org.longhaul.data.job;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** The local disk under the scheme {@code full:}, of which only so many bytes can be written. */
public final class FullDisk extends RawLocalFileSystem {
    static final AtomicLong LEFT = new AtomicLong();

    @Override
    public URI getUri() {
        return URI.create("full:///");
    }

    @Override
    protected void checkPath(Path path) {
        // Paths of this scheme and plain ones both belong to it.
    }

    @Override
    public FSDataOutputStream create(Path file, boolean overwrite, int buffer, short replication, long block, Progressable progress) throws IOException {
        return limited(super.create(file, overwrite, buffer, replication, block, progress));
    }

    @Override
    public FSDataOutputStream create(Path file, FsPermission permission, boolean overwrite, int buffer, short replication, long block, Progressable progress)
            throws IOException {
        return limited(super.create(file, permission, overwrite, buffer, replication, block, progress));
    }

    private static FSDataOutputStream limited(OutputStream out) throws IOException {
        return new FSDataOutputStream(new FilterOutputStream(out) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                if (LEFT.addAndGet(-length) < 0) {
                    throw new IOException("No space left on device");
                }
                out.write(bytes, offset, length);
            }

            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }
        }, null);
    }
}
