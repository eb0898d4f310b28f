package org.longhaul.shards;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Where the files of a data set lie, for reading them as bytes: a folder, or a store that another module knows. Safe for several threads. */
public interface ShardPlace extends Closeable {
    /** The place as the user wrote it, for messages; a file's name follows behind a slash. */
    String name();

    /** Length of a file, −1 when it is not there. */
    long length(String file) throws IOException;

    /** Opens a file for reads by one thread. */
    Reader open(String file) throws IOException;

    @Override
    default void close() throws IOException {}

    /** A file being read. */
    interface Reader extends Closeable {
        /** Fills the buffer from a position; fewer bytes only at the end of the file. Returns how many came. */
        int read(ByteBuffer target, long position) throws IOException;
    }

    /** A folder. */
    static ShardPlace folder(Path folder) {
        return new ShardPlace() {
            @Override
            public String name() {
                return folder.toString();
            }

            @Override
            public long length(String file) throws IOException {
                try {
                    return Files.size(folder.resolve(file));
                } catch (NoSuchFileException absent) {
                    return -1;
                }
            }

            @Override
            public Reader open(String file) throws IOException {
                FileChannel channel = FileChannel.open(folder.resolve(file));
                return new Reader() {
                    @Override
                    public int read(ByteBuffer target, long position) throws IOException {
                        int begin = target.position();
                        while (target.hasRemaining()) {
                            if (channel.read(target, position + target.position() - begin) < 0) {
                                break;
                            }
                        }
                        return target.position() - begin;
                    }

                    @Override
                    public void close() throws IOException {
                        channel.close();
                    }
                };
            }
        };
    }
}
