package org.longhaul.data.read;

import com.github.luben.zstd.ZstdInputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.longhaul.error.UserError;

/** Opens input files of any Hadoop file system ({@code file://}, {@code hdfs://}, {@code s3a://}) as record streams. */
public final class RecordFiles {
    private RecordFiles() {}

    /**
     * Opens one file. A file that cannot be opened yields a {@link ReadProblem} and a {@link FileSummary}, like any other
     * fault of the input.
     *
     * @param source name of the input that the file belongs to
     */
    public static RecordReader open(Configuration conf, Path path, String source, ReadSettings settings) {
        return open(conf, path, InputFormat.of(path.getName()), source, settings);
    }

    /** Opens one file whose format is known better than its name tells. */
    public static RecordReader open(
            Configuration conf, Path path, InputFormat format, String source, ReadSettings settings) {
        String file = display(path);
        InputStream in = new LazyStream(conf, path);
        return switch (format) {
            case JSONL -> new JsonlReader(file, source, in, settings);
            case WARC, WET -> new WarcFileReader(file, source, in, settings);
            case TEXT -> new TextFileReader(file, source, in, settings);
            case PARQUET, UNKNOWN -> throw UserError.badInput(
                    file + ": not a format that is read record by record (.jsonl, .json, .warc, .wet, .txt, "
                            + "each also with .gz, .zst, .bz2)");
        };
    }

    /** The decompressed bytes of a file; the file is opened on the first read. */
    public static InputStream openStream(Configuration conf, Path path) {
        return new LazyStream(conf, path);
    }

    /** Paths of the local file system without the scheme, others in full. */
    static String display(Path path) {
        String scheme = path.toUri().getScheme();
        return scheme == null || scheme.equals("file") ? path.toUri().getPath() : path.toString();
    }

    private static InputStream decompress(InputStream raw, InputFormat.Compression compression) throws IOException {
        return switch (compression) {
            case NONE -> raw;
            case GZIP -> new GzipStream(raw);
            case ZSTD -> new ZstdInputStream(raw);
            case BZIP2 -> new BZip2CompressorInputStream(raw, true);
        };
    }

    /** Opens on first use, so that opening faults become problems of the file like any other. */
    private static final class LazyStream extends InputStream {
        private final Configuration conf;
        private final Path path;
        private InputStream in;

        LazyStream(Configuration conf, Path path) {
            this.conf = conf;
            this.path = path;
        }

        private InputStream in() throws IOException {
            if (in == null) {
                InputFormat.Compression compression = InputFormat.compressionOf(path.getName());
                InputStream raw;
                try {
                    raw = path.getFileSystem(conf).open(path, 1 << 16);
                } catch (FileNotFoundException e) {
                    throw new UnreadableFileException("no such file", e);
                } catch (IOException e) {
                    throw new UnreadableFileException("cannot be opened: " + e.getMessage(), e);
                }
                if (compression == InputFormat.Compression.BZIP2) {
                    raw = nonEmpty(raw);
                }
                in = raw == null ? InputStream.nullInputStream() : decompress(raw, compression);
            }
            return in;
        }

        /** The bzip2 decoder fails on a file of no bytes, which is an empty file and no damage. */
        private static InputStream nonEmpty(InputStream raw) throws IOException {
            java.io.PushbackInputStream pushback = new java.io.PushbackInputStream(raw, 1);
            int first = pushback.read();
            if (first < 0) {
                raw.close();
                return null;
            }
            pushback.unread(first);
            return pushback;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            try {
                return in().read(target, offset, length);
            } catch (UnreadableFileException | EOFException e) {
                throw e;
            } catch (IOException e) {
                throw isTruncation(e) ? truncated(e) : e;
            }
        }

        /** Zstandard and bzip2 decoders tell truncation by their message only. */
        private static boolean isTruncation(IOException e) {
            String message = String.valueOf(e.getMessage()).toLowerCase(java.util.Locale.ROOT);
            return message.contains("truncated") || message.contains("unexpected end of stream");
        }

        private static EOFException truncated(IOException cause) {
            EOFException e = new EOFException("compressed data ends early: " + cause.getMessage());
            e.initCause(cause);
            return e;
        }

        @Override
        public void close() throws IOException {
            if (in != null) {
                in.close();
            }
        }
    }
}
