package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.longhaul.trust.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A folder of the machine or of a mounted file system. Direct buffers go to the kernel without a copy through the heap. */
final class LocalStorage implements Storage {
    private static final Logger LOG = LoggerFactory.getLogger(LocalStorage.class);
    private static final String LOCK = ".lock";
    private static final int LOCK_TRIES = 50;
    private static final int STALE_TRIES = 5;

    private final Path root;
    private FileChannel lock;

    LocalStorage(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    @Override
    public String root() {
        return root.toString();
    }

    @Override
    public boolean atomicRename() {
        return true;
    }

    @Override
    public List<Entry> children(String path) throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> names = Files.newDirectoryStream(at(path))) {
            for (Path p : names) {
                try {
                    BasicFileAttributes a = Files.readAttributes(p, BasicFileAttributes.class);
                    entries.add(new Entry(p.getFileName().toString(), a.isDirectory(), a.size()));
                } catch (NoSuchFileException gone) {
                    // Deleted by another rank between listing and looking.
                    continue;
                }
            }
        } catch (NoSuchFileException absent) {
            return List.of();
        } catch (NotDirectoryException file) {
            throw new IOException(at(path) + " is a file, not a folder of checkpoints", file);
        }
        return entries;
    }

    @Override
    public long length(String path) throws IOException {
        try {
            return Files.size(at(path));
        } catch (NoSuchFileException absent) {
            return -1;
        }
    }

    @Override
    public void makeFolder(String path) throws IOException {
        Files.createDirectories(at(path));
    }

    @Override
    public Output create(String path) throws IOException {
        FileChannel channel = FileChannel.open(at(path), StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
        return new Output() {
            @Override
            public void write(ByteBuffer source) throws IOException {
                try {
                    while (source.hasRemaining()) {
                        channel.write(source);
                    }
                } catch (IOException e) {
                    throw named(path, e);
                }
            }

            @Override
            public void commit() throws IOException {
                try {
                    channel.force(true);
                    channel.close();
                } catch (IOException e) {
                    throw named(path, e);
                }
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    @Override
    public Input open(String path) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(at(path), StandardOpenOption.READ);
        } catch (NoSuchFileException e) {
            throw new CorruptCheckpointException(at(path) + " is missing");
        }
        return new Input() {
            @Override
            public int read(ByteBuffer destination, long position) throws IOException {
                int start = destination.position();
                try {
                    while (destination.hasRemaining()) {
                        int n = channel.read(destination, position + destination.position() - start);
                        if (n < 0) {
                            break;
                        }
                    }
                } catch (IOException e) {
                    throw named(path, e);
                }
                return destination.position() - start;
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Files.move(at(from), at(to), StandardCopyOption.ATOMIC_MOVE);
        syncFolder("");
    }

    @Override
    public void replace(String path, byte[] bytes) throws IOException {
        Path staged = at(StepName.STAGING + path + "-" + UUID.randomUUID());
        try {
            write(root.relativize(staged).toString(), bytes);
            Files.move(staged, at(path), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(staged);
        }
    }

    @Override
    public byte[] read(String path) throws IOException {
        for (int i = 1; ; i++) {
            try {
                // To the end instead of to a length asked before: another machine may have replaced the file, and NFS remembers lengths for a while.
                return Files.readAllBytes(at(path));
            } catch (NoSuchFileException absent) {
                throw new CorruptCheckpointException(at(path) + " is missing");
            } catch (IOException e) {
                // What NFS says of a file that another machine replaced between our opening and our reading it.
                if (i == STALE_TRIES || e.getMessage() == null || !e.getMessage().contains("Stale file handle")) {
                    throw e;
                }
            }
        }
    }

    @Override
    public void delete(String path) throws IOException {
        Path start = at(path);
        try {
            Files.walkFileTree(start, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    try {
                        Files.deleteIfExists(file);
                    } catch (IOException e) {
                        if (!silly(file)) {
                            throw e;
                        }
                    }
                    Faults.point("checkpoint.deleting");
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path folder, IOException fault) throws IOException {
                    if (fault != null) {
                        throw fault;
                    }
                    try {
                        Files.deleteIfExists(folder);
                    } catch (DirectoryNotEmptyException e) {
                        if (children(root.relativize(folder).toString()).stream().anyMatch(c -> !silly(Path.of(c.name())))) {
                            throw e;
                        }
                        LOG.debug("{} stays until nobody reads the files that were in it", folder);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (NoSuchFileException gone) {
            return;
        }
    }

    /** The name under which a client of NFS, or of a file system in user space, keeps a deleted file that a process of its machine still reads; it goes with the last reader. */
    static boolean silly(Path file) {
        String name = file.getFileName().toString();
        return name.startsWith(".nfs") || name.startsWith(".fuse_hidden");
    }

    // What channels throw does not say of which file.
    private IOException named(String path, IOException e) {
        if (e instanceof FileSystemException || e instanceof ClosedChannelException) {
            return e;
        }
        IOException named = new FileSystemException(at(path).toString(), null, e.getMessage());
        named.initCause(e);
        return named;
    }

    @Override
    public void syncFolder(String path) throws IOException {
        // A rename is on the device only when the folder that holds the names is.
        try (FileChannel folder = FileChannel.open(at(path), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    @Override
    public boolean lock() throws IOException {
        if (lock != null) {
            return true;
        }
        makeFolder("");
        FileChannel channel = FileChannel.open(at(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = null;
        try {
            held = channel.tryLock();
            // A run that was killed may take a moment to be gone, and its successor must not be turned away for that.
            for (int i = 0; held == null && i < LOCK_TRIES; i++) {
                LockSupport.parkNanos(100_000_000);
                held = channel.tryLock();
            }
        } catch (OverlappingFileLockException sameProcess) {
            // As another process's.
            held = null;
        } catch (IOException unsupported) {
            // Some network file systems have no locks.
            LOG.debug("no lock on {}", root, unsupported);
            channel.close();
            return true;
        }
        if (held == null) {
            channel.close();
            return false;
        }
        lock = channel;
        return true;
    }

    @Override
    public void close() throws IOException {
        if (lock != null) {
            lock.close();
            lock = null;
        }
    }

    private Path at(String path) {
        return path.isEmpty() ? root : root.resolve(path);
    }
}
