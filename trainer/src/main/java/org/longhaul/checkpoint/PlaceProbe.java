package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.longhaul.doctor.Finding;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Tries a folder as checkpoints use it – write, read back, rename, delete – and says how fast it is. */
public final class PlaceProbe {
    private static final int BLOCK = 4 << 20;
    private static final int BLOCKS = 16;
    private static final long ENOUGH = 3_000_000_000L;
    private static final String FOLDER = ".doctor-";

    private PlaceProbe() {}

    /** One line about a path or URI; {@code bytes} is what a run would write there at a time, 0 for nothing large. Leaves nothing behind. */
    public static Finding look(String subject, String uri, long bytes) {
        Path missing = missing(uri);
        try (Storage storage = Storages.open(uri)) {
            return look(subject, storage, bytes);
        } catch (UserError e) {
            return Finding.failed(subject, e.getMessage(), "name another place");
        } catch (IOException e) {
            return Finding.fail(subject, uri + ": " + Reason.of(e), "mend that place, or name another one");
        } finally {
            removeEmpty(uri, missing);
        }
    }

    static Finding look(String subject, Storage storage, long bytes) {
        String folder = FOLDER + UUID.randomUUID();
        String doing = "make a folder in";
        try {
            storage.makeFolder(folder);
            doing = "write to";
            long start = System.nanoTime();
            int blocks = write(storage, folder + "/probe");
            long wrote = System.nanoTime() - start;
            doing = "read back from";
            start = System.nanoTime();
            if (!readsBack(storage, folder + "/probe", blocks)) {
                return Finding.fail(subject, storage.root() + " gives back other bytes than were written", "check that disk or store before you trust it with a run");
            }
            long read = System.nanoTime() - start;
            if (storage.atomicRename()) {
                doing = "rename in";
                storage.rename(folder, folder + "-renamed");
                folder += "-renamed";
            }
            doing = "list";
            if (storage.children(folder).isEmpty()) {
                return Finding.fail(subject, storage.root() + " does not list a file just written", "Longhaul needs a store that lists what was written");
            }
            doing = "delete in";
            storage.delete(folder);
            long size = (long) blocks * BLOCK;
            return Finding.ok(subject, storage.root() + ": writes " + rate(size, wrote) + ", reads " + rate(size, read)
                    + (storage.atomicRename() ? ", renames" : "") + ", deletes" + (bytes > 0 ? "; one process alone would write a checkpoint in "
                            + seconds(bytes / (size / (wrote / 1e9))) : ""));
        } catch (IOException | RuntimeException e) {
            discard(storage, folder);
            return Finding.fail(subject, "cannot " + doing + " " + storage.root() + ": " + Reason.of(e), mend(doing));
        }
    }

    private static int write(Storage storage, String file) throws IOException {
        long start = System.nanoTime();
        try (Storage.Output out = storage.create(file)) {
            int blocks = 0;
            do {
                out.write(block(blocks));
                blocks++;
            } while (blocks < BLOCKS && System.nanoTime() - start < ENOUGH);
            out.commit();
            return blocks;
        }
    }

    private static boolean readsBack(Storage storage, String file, int blocks) throws IOException {
        ByteBuffer got = ByteBuffer.allocateDirect(BLOCK);
        try (Storage.Input in = storage.open(file)) {
            for (int b = 0; b < blocks; b++) {
                got.clear();
                if (in.read(got, (long) b * BLOCK) != BLOCK || !got.flip().equals(block(b))) {
                    return false;
                }
            }
        }
        return true;
    }

    // Random, since some file systems write nothing of zeros.
    private static ByteBuffer block(int index) {
        SplittableRandom random = new SplittableRandom(index);
        ByteBuffer block = ByteBuffer.allocate(BLOCK);
        while (block.hasRemaining()) {
            block.putLong(random.nextLong());
        }
        return block.flip();
    }

    private static String mend(String doing) {
        return doing.equals("delete in")
                ? "give this user the right to delete there: a run deletes its old checkpoints"
                : "give this user the right to write there, free space, or name another place";
    }

    private static void discard(Storage storage, String folder) {
        try {
            storage.delete(folder);
        } catch (IOException | RuntimeException e) {
            // The finding says already that the place is not usable.
            return;
        }
    }

    /** Free bytes of the disk that a local path lies on; empty for a store, which does not say. */
    public static Optional<Long> free(String uri) {
        Path path = local(uri);
        while (path != null && !Files.exists(path)) {
            path = path.getParent();
        }
        try {
            FileStore store = path == null ? null : Files.getFileStore(path);
            return Optional.ofNullable(store).map(s -> {
                try {
                    return s.getUsableSpace();
                } catch (IOException e) {
                    return null;
                }
            });
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Whether the class path has Hadoop's client of a scheme. */
    public static boolean client(String scheme) {
        try {
            FileSystem.getFileSystemClass(scheme, new Configuration());
            return true;
        } catch (IOException | RuntimeException | LinkageError e) {
            return false;
        }
    }

    /** Bytes a second, for people. */
    public static String rate(long bytes, long nanos) {
        double mb = bytes / 1e6 / (Math.max(1, nanos) / 1e9);
        return mb >= 1000 ? String.format(Locale.ROOT, "%.1f GB/s", mb / 1000) : String.format(Locale.ROOT, "%.0f MB/s", mb);
    }

    private static String seconds(double s) {
        return s < 120 ? String.format(Locale.ROOT, "%.1f s", s) : String.format(Locale.ROOT, "%.0f min", s / 60);
    }

    private static Path local(String uri) {
        if (uri.startsWith("file:")) {
            return Path.of(java.net.URI.create(uri).getPath()).toAbsolutePath();
        }
        return uri.matches("[a-zA-Z][a-zA-Z0-9+.-]+:.*") ? null : Path.of(uri).toAbsolutePath();
    }

    // The topmost folder that is not there yet, null where nothing is missing.
    private static Path missing(String uri) {
        Path missing = null;
        for (Path p = local(uri); p != null && !Files.exists(p); p = p.getParent()) {
            missing = p;
        }
        return missing;
    }

    private static void removeEmpty(String uri, Path topmost) {
        try {
            for (Path p = topmost == null ? null : local(uri); p != null && p.startsWith(topmost); p = p.getParent()) {
                Files.deleteIfExists(p);
            }
        } catch (IOException e) {
            // It is not empty, or never was made.
            return;
        }
    }
}
