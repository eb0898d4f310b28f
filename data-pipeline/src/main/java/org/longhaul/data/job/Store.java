package org.longhaul.data.job;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.longhaul.error.UserError;

/** A folder on any Hadoop file system, with writes that are there completely or not at all. */
final class Store {
    private final FileSystem fs;
    private final Path root;

    Store(Configuration conf, String folder) {
        try {
            root = new Path(folder);
            fs = root.getFileSystem(conf);
        } catch (IOException | IllegalArgumentException e) {
            throw UserError.badInput("output.dir " + folder + " cannot be used: " + e.getMessage(), e);
        }
    }

    private Store(FileSystem fs, Path root) {
        this.fs = fs;
        this.root = root;
    }

    /** Local files without hidden checksum files beside them; everything else as Hadoop is configured. */
    static void plainLocalFiles(Configuration conf) {
        conf.set("fs.file.impl", RawLocalFileSystem.class.getName());
    }

    Store folder(String name) {
        return new Store(fs, new Path(root, name));
    }

    FileSystem fs() {
        return fs;
    }

    Path path(String name) {
        return name.isEmpty() ? root : new Path(root, name);
    }

    /** The folder as users write it: without the scheme when local. */
    String display() {
        return display(root);
    }

    static String display(Path path) {
        String scheme = path.toUri().getScheme();
        return scheme == null || scheme.equals("file") ? path.toUri().getPath() : path.toString();
    }

    boolean local() {
        return fs.getUri().getScheme().equals("file");
    }

    boolean exists(String name) {
        try {
            return fs.exists(path(name));
        } catch (IOException e) {
            throw failed("looked at", path(name), e);
        }
    }

    void makeFolder() {
        try {
            if (!fs.mkdirs(root)) {
                throw UserError.badInput("output folder " + display() + " cannot be created: check its parent's permissions or choose another output.dir");
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Why the folder cannot be written: the user's choice of folder, or a full disk, which the command reports as a shortage. */
    RuntimeException unwritable(IOException e) {
        return firstLine(e).contains("No space left on device") ? new UncheckedIOException(display() + ": " + firstLine(e), e)
                : UserError.badInput("output folder " + display() + " cannot be written (" + firstLine(e) + "): change its permissions or choose another output.dir", e);
    }

    byte[] read(String name) {
        try (InputStream in = fs.open(path(name))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw failed("read", path(name), e);
        }
    }

    /** Writes a file under a temporary name, brings it to the disk and renames it. */
    void write(String name, byte[] bytes) {
        Path target = path(name);
        Path temporary = new Path(target.getParent(), "." + target.getName() + ".tmp");
        try {
            try (FSDataOutputStream out = fs.create(temporary, true)) {
                out.write(bytes);
                out.hsync();
            }
            rename(temporary, target);
        } catch (IOException e) {
            throw failed("written", target, e);
        }
    }

    /** Renames a file over whatever has the target's name. */
    void rename(Path from, Path to) throws IOException {
        if (!local()) {
            fs.delete(to, false);
        }
        if (!fs.rename(from, to)) {
            throw new IOException("rename to " + display(to) + " failed");
        }
    }

    void delete(String name) {
        try {
            fs.delete(path(name), true);
        } catch (IOException e) {
            throw failed("deleted", path(name), e);
        }
    }

    /** Names in the folder, sorted; empty when there is no folder. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        try {
            for (FileStatus status : fs.listStatus(root)) {
                names.add(status.getPath().getName());
            }
        } catch (FileNotFoundException e) {
            return List.of();
        } catch (IOException e) {
            throw failed("listed", root, e);
        }
        names.sort(Comparator.naturalOrder());
        return names;
    }

    static String firstLine(Throwable e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
    }

    private static RuntimeException failed(String what, Path path, IOException e) {
        if (e instanceof FileNotFoundException) {
            return UserError.badInput(display(path) + ": cannot be " + what + ": " + firstLine(e), e);
        }
        if (e instanceof org.apache.hadoop.security.AccessControlException || e instanceof java.nio.file.AccessDeniedException
                || firstLine(e).contains("Permission denied")) {
            return UserError.badInput(display(path) + ": cannot be " + what + ": permission denied", e);
        }
        return new UncheckedIOException(display(path) + ": cannot be " + what, e);
    }
}
