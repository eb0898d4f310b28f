package org.longhaul.data.read;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Finds the files of an input: a file, a folder (with its sub-folders) or a glob. */
public final class InputFiles {
    private InputFiles() {}

    /**
     * One file to read.
     *
     * @param path its URI
     * @param bytes its stored size
     * @param format told by its name
     */
    public record InputFile(String path, long bytes, InputFormat format) implements Serializable {}

    /**
     * What was found, in the order of the paths.
     *
     * @param files files of known formats
     * @param ignored files of unknown formats, so that they can be reported; names that start with {@code _} or {@code .} are
     *     markers of other tools and not listed
     */
    public record Listing(List<InputFile> files, List<String> ignored) {}

    /** Lists one input; a missing one, or one without any readable file, is the user's error. */
    public static Listing list(Configuration conf, String pattern) {
        Path path = new Path(pattern);
        try {
            FileSystem fs = path.getFileSystem(conf);
            FileStatus[] roots = fs.globStatus(path);
            if (roots == null || roots.length == 0) {
                throw missing(pattern);
            }
            List<InputFile> files = new ArrayList<>();
            List<String> ignored = new ArrayList<>();
            for (FileStatus root : roots) {
                collect(fs, root, files, ignored);
            }
            if (files.isEmpty()) {
                throw UserError.badInput("input " + pattern + " holds no file of a known format (.jsonl, .json, .warc, "
                        + ".wet, .txt, each also with .gz, .zst, .bz2; .parquet)"
                        + (ignored.isEmpty() ? "" : "; found for instance " + ignored.get(0)));
            }
            files.sort(Comparator.comparing(InputFile::path));
            ignored.sort(Comparator.naturalOrder());
            return new Listing(List.copyOf(files), List.copyOf(ignored));
        } catch (FileNotFoundException e) {
            throw missing(pattern);
        } catch (IOException e) {
            throw UserError.environment("input " + pattern + " cannot be listed: " + Reason.of(e), e);
        }
    }

    private static UserError missing(String pattern) {
        return UserError.badInput("input " + pattern + " does not exist: correct the path or remove the input");
    }

    private static void collect(FileSystem fs, FileStatus status, List<InputFile> files, List<String> ignored)
            throws IOException {
        if (status.isDirectory()) {
            for (FileStatus child : fs.listStatus(status.getPath())) {
                String name = child.getPath().getName();
                if (!name.startsWith("_") && !name.startsWith(".")) {
                    collect(fs, child, files, ignored);
                }
            }
            return;
        }
        InputFormat format = InputFormat.of(status.getPath().getName());
        if (format == InputFormat.UNKNOWN) {
            ignored.add(RecordFiles.display(status.getPath()));
        } else {
            files.add(new InputFile(status.getPath().toString(), status.getLen(), format));
        }
    }
}
