package org.longhaul.checkpoint;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.MultipartUploader;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** A folder on any file system that Hadoop knows; its configuration comes from the site's {@code core-site.xml} on the class path. */
final class HadoopStorage implements Storage {
    /** Schemes whose rename of a folder is one operation of the name server. Everything else is treated as an object store. */
    private static final Set<String> ATOMIC = Set.of("hdfs", "viewfs", "ofs", "o3fs", "file");

    private static final int COPY = 1 << 20;
    /** One a thread, not one a file: hundreds of files may be open. */
    private static final ThreadLocal<byte[]> BLOCK = ThreadLocal.withInitial(() -> new byte[COPY]);

    private final FileSystem fs;
    private final Path root;
    private final boolean atomic;
    private final String writer = UUID.randomUUID().toString();

    HadoopStorage(FileSystem fs, Path root, boolean atomic) {
        this.fs = fs;
        this.root = root;
        this.atomic = atomic;
    }

    static HadoopStorage open(URI uri) {
        try {
            FileSystem fs = FileSystem.newInstance(uri, new Configuration());
            return new HadoopStorage(fs, new Path(uri), ATOMIC.contains(uri.getScheme()));
        } catch (IOException | RuntimeException | LinkageError e) {
            throw UserError.environment("cannot open " + uri + ": " + Reason.of(e) + "; " + mend(uri.getScheme()), e);
        }
    }

    private static String mend(String scheme) {
        String site = "HADOOP_CONF_DIR must name the folder of the site's core-site.xml";
        return switch (scheme) {
            case "hdfs", "viewfs", "webhdfs" -> site;
            case "s3a" -> "run scripts/fetch-s3a once, which puts Hadoop's S3 client into ext; keys and endpoint come from AWS's environment variables or the site's core-site.xml, whose folder HADOOP_CONF_DIR names";
            case "s3", "s3n" -> "write s3a:// instead";
            default -> "put the jars of Hadoop's file system for " + scheme + ":// into the folder ext of the installation; " + site;
        };
    }

    @Override
    public String root() {
        String text = root.toString();
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }

    @Override
    public boolean atomicRename() {
        return atomic;
    }

    @Override
    public List<Entry> children(String path) throws IOException {
        List<Entry> entries = new ArrayList<>();
        try {
            for (FileStatus s : fs.listStatus(at(path))) {
                entries.add(new Entry(s.getPath().getName(), s.isDirectory(), s.getLen()));
            }
        } catch (FileNotFoundException absent) {
            return List.of();
        }
        return entries;
    }

    @Override
    public long length(String path) throws IOException {
        try {
            return fs.getFileStatus(at(path)).getLen();
        } catch (FileNotFoundException absent) {
            return -1;
        }
    }

    @Override
    public void makeFolder(String path) throws IOException {
        if (!fs.mkdirs(at(path))) {
            throw new IOException(at(path) + " cannot be made");
        }
    }

    @Override
    public Output create(String path) throws IOException {
        FSDataOutputStream out = fs.create(at(path), true);
        return new Output() {
            private final byte[] block = new byte[COPY];
            private boolean open = true;

            @Override
            public void write(ByteBuffer source) throws IOException {
                while (source.hasRemaining()) {
                    int n = Math.min(block.length, source.remaining());
                    source.get(block, 0, n);
                    out.write(block, 0, n);
                }
            }

            @Override
            public void commit() throws IOException {
                if (out.hasCapability(StreamCapabilities.HSYNC)) {
                    out.hsync();
                }
                open = false;
                out.close();
            }

            @Override
            public void close() throws IOException {
                if (open) {
                    open = false;
                    // An object store forgets the upload; elsewhere the file stays, and the folder without DONE is not a checkpoint.
                    if (out.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
                        out.abort();
                    }
                    out.close();
                }
            }
        };
    }

    @Override
    public Input open(String path) throws IOException {
        FSDataInputStream in;
        try {
            in = fs.open(at(path));
        } catch (FileNotFoundException e) {
            throw new CorruptCheckpointException(at(path) + " is missing");
        }
        return new Input() {
            @Override
            public int read(ByteBuffer destination, long position) throws IOException {
                byte[] block = BLOCK.get();
                int total = 0;
                while (destination.hasRemaining()) {
                    int n = in.read(position + total, block, 0, Math.min(block.length, destination.remaining()));
                    if (n <= 0) {
                        break;
                    }
                    destination.put(block, 0, n);
                    total += n;
                }
                return total;
            }

            @Override
            public void close() throws IOException {
                in.close();
            }
        };
    }

    @Override
    public void rename(String from, String to) throws IOException {
        // Hadoop moves into an existing folder instead of failing.
        if (fs.exists(at(to)) || !fs.rename(at(from), at(to))) {
            throw new IOException("cannot rename " + at(from) + " to " + at(to));
        }
    }

    @Override
    public void replace(String path, byte[] bytes) throws IOException {
        if (!atomic) {
            write(path, bytes);
            return;
        }
        // One name for a process's writes: what stays while the store is away is taken up by the first that succeeds again.
        String staged = StepName.STAGING + path + "-" + writer;
        write(staged, bytes);
        try {
            // The only rename of Hadoop's that replaces a file in one step.
            FileContext.getFileContext(fs.getUri(), fs.getConf()).rename(at(staged), at(path), Options.Rename.OVERWRITE);
        } catch (UnsupportedFileSystemException old) {
            delete(staged);
            write(path, bytes);
        }
    }

    @Override
    public void delete(String path) throws IOException {
        try {
            fs.delete(at(path), true);
        } catch (FileNotFoundException gone) {
            return;
        }
    }

    @Override
    public void syncFolder(String path) {
        // The name server or the object store keeps names durable by itself.
    }

    @Override
    public int abandonUploads() throws IOException {
        if (atomic || !fs.hasPathCapability(root, CommonPathCapabilities.FS_MULTIPART_UPLOADER)) {
            return 0;
        }
        try (MultipartUploader uploader = fs.createMultipartUploader(root).build()) {
            return Math.max(0, uploader.abortUploadsUnderPath(root).get());
        } catch (UnsupportedOperationException none) {
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while giving up uploads under " + root);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        }
    }

    @Override
    public void close() throws IOException {
        fs.close();
    }

    private Path at(String path) {
        return path.isEmpty() ? root : new Path(root, path);
    }
}
