package org.longhaul.data.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.longhaul.error.UserError;

/**
 * Keeps two runs out of one folder. On a local disk the operating system holds the lock and frees it however the process
 * ends; elsewhere a file created exclusively does, which a killed run leaves behind and its owner must remove.
 */
final class FolderLock implements AutoCloseable {
    static final String NAME = ".lock";

    private final Store store;
    private final FileChannel channel;

    private FolderLock(Store store, FileChannel channel) {
        this.store = store;
        this.channel = channel;
    }

    /** Takes the lock or throws a {@link UserError} that names the other run. */
    static FolderLock take(Store store) {
        return store.local() ? takeLocal(store) : takeRemote(store);
    }

    private static FolderLock takeLocal(Store store) {
        Path file = Path.of(store.path(NAME).toUri().getPath());
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                String owner = owner(channel);
                channel.close();
                throw UserError.badInput("output folder " + store.display() + " is in use by another run (" + owner + "): wait for it or choose another output.dir");
            }
            channel.truncate(0).write(StandardCharsets.UTF_8.encode(whoami()));
            return new FolderLock(store, channel);
        } catch (OverlappingFileLockException e) {
            closeQuietly(channel);
            throw UserError.badInput("output folder " + store.display() + " is in use by another run of this process", e);
        } catch (IOException e) {
            closeQuietly(channel);
            throw store.unwritable(e);
        }
    }

    private static String owner(FileChannel channel) throws IOException {
        java.nio.ByteBuffer text = java.nio.ByteBuffer.allocate(200);
        channel.read(text, 0);
        String owner = new String(text.array(), 0, text.position(), StandardCharsets.UTF_8).strip();
        return owner.isEmpty() ? "just starting" : owner;
    }

    private static FolderLock takeRemote(Store store) {
        boolean mine = false;
        try {
            FSDataOutputStream out = store.fs().create(store.path(NAME), false);
            mine = true;
            out.write(whoami().getBytes(StandardCharsets.UTF_8));
            out.close();
            return new FolderLock(store, null);
        } catch (FileAlreadyExistsException e) {
            throw UserError.badInput("output folder " + store.display() + " is in use by " + new String(store.read(NAME), StandardCharsets.UTF_8)
                    + ": if that run is dead, delete " + store.path(NAME), e);
        } catch (IOException e) {
            if (mine) {
                store.delete(NAME);
            }
            throw store.unwritable(e);
        }
    }

    private static String whoami() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (IOException e) {
            host = "unknown host";
        }
        return "process " + ProcessHandle.current().pid() + " on " + host;
    }

    private static void closeQuietly(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Frees the folder. */
    @Override
    public void close() {
        if (channel == null) {
            store.delete(NAME);
        } else {
            // The file stays: deleting it would let one process lock the old file and another a new one.
            closeQuietly(channel);
        }
    }
}
