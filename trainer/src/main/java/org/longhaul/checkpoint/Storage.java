package org.longhaul.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** The file operations a checkpoint folder needs. Paths are relative to the root, with {@code /}. */
interface Storage extends Closeable {
    /** The root as the user wrote it, for messages. */
    String root();

    /** Whether a folder can be renamed in one indivisible step; object stores cannot. */
    boolean atomicRename();

    /** What a folder holds; empty when the folder is not there. */
    List<Entry> children(String path) throws IOException;

    /** Length of a file, −1 when it is not there. */
    long length(String path) throws IOException;

    void makeFolder(String path) throws IOException;

    /** A new file, replacing an old one. It is durable only after {@link Output#commit}. */
    Output create(String path) throws IOException;

    /** Opens for positional reads by one thread at a time. */
    Input open(String path) throws IOException;

    /** Renames a folder to a name not taken; durable on return. */
    void rename(String from, String to) throws IOException;

    /** Deletes a file or a folder with all in it; nothing happens when it is not there. */
    void delete(String path) throws IOException;

    /** Makes the names in a folder durable. */
    void syncFolder(String path) throws IOException;

    /** Claims the root for one writer until the storage is closed; false when another process has it. Where there are no locks the lease alone tells. */
    default boolean lock() throws IOException {
        return true;
    }

    /** Gives up uploads under the root that a killed process began and nobody will end; object stores keep and bill their parts. Returns how many. */
    default int abandonUploads() throws IOException {
        return 0;
    }

    @Override
    default void close() throws IOException {}

    /** A name in a folder. */
    record Entry(String name, boolean folder, long bytes) {}

    /** A file being written. Closing without {@link #commit} gives it up. */
    interface Output extends Closeable {
        void write(ByteBuffer source) throws IOException;

        /** Flushes to the device and closes. */
        void commit() throws IOException;
    }

    /** A file being read. */
    interface Input extends Closeable {
        /** Fills the buffer from a position; fewer bytes only at the end of the file. Returns how many came. */
        int read(ByteBuffer destination, long position) throws IOException;
    }

    /** Writes a small file in one go. */
    default void write(String path, byte[] bytes) throws IOException {
        try (Output out = create(path)) {
            out.write(ByteBuffer.wrap(bytes));
            out.commit();
        }
    }

    /** The same to a file that is read meanwhile, and that a killed process may leave: readers find the old one or the new one, whole. */
    default void replace(String path, byte[] bytes) throws IOException {
        // An object store shows an upload when it ends.
        write(path, bytes);
    }

    /** Reads a small file whole; throws {@link CorruptCheckpointException} when it is not there. */
    default byte[] read(String path) throws IOException {
        long length = length(path);
        if (length < 0) {
            throw new CorruptCheckpointException(root() + "/" + path + " is missing");
        }
        ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(length));
        try (Input in = open(path)) {
            int n = in.read(buffer, 0);
            if (n != length) {
                throw new CorruptCheckpointException(root() + "/" + path + " ends at byte " + n + " of " + length);
            }
        }
        return buffer.array();
    }
}
