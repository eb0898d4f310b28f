package org.longhaul.data.job;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.longhaul.data.read.InputFiles;
import org.longhaul.data.read.InputFormat;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

/**
 * The unit of work and of resuming: one file, or several small ones of one input.
 *
 * @param index number, from 0
 * @param source the input's name
 * @param bytes stored size of the files
 */
record Part(int index, String source, List<File> files, long bytes) implements Serializable {
    private static final int MAX_FILES = 2_000;

    /** One file to read. */
    record File(String path, InputFormat format, long bytes, long modified) implements Serializable {}

    /** What identifies the input of this part; another size or date means that it has to be read again. */
    String digest() {
        StringBuilder text = new StringBuilder(source);
        for (File file : files) {
            text.append('\n').append(file.path).append(' ').append(file.format).append(' ').append(file.bytes).append(' ').append(file.modified);
        }
        return Json.digest(text.toString());
    }

    /** The parts of all inputs and the files that were left out because their format is unknown. */
    record Plan(List<Part> parts, List<String> ignored) {}

    /**
     * Lists the inputs and packs small files together. The cut depends on the listing alone, not on cores or partitions.
     *
     * @throws UserError naming all inputs that are missing or hold nothing readable
     */
    static Plan plan(Configuration conf, DataConfig config) {
        List<Part> parts = new ArrayList<>();
        List<String> ignored = new ArrayList<>();
        List<List<File>> inputs = new ArrayList<>();
        List<UserError> faults = new ArrayList<>();
        long total = 0;
        for (var entry : config.inputs().entrySet()) {
            List<File> files = new ArrayList<>();
            InputFiles.Listing listing;
            try {
                listing = InputFiles.list(conf, config.path(entry.getValue()));
            } catch (UserError e) {
                faults.add(e);
                continue;
            }
            for (InputFiles.InputFile file : listing.files()) {
                files.add(new File(file.path(), file.format(), file.bytes(), modified(conf, file.path())));
                total += file.bytes();
            }
            listing.ignored().forEach(name -> ignored.add(entry.getKey() + ": " + name));
            inputs.add(files);
        }
        require(faults);
        // Small inputs are cut finer, so that a laptop's cores all have work.
        long limit = Math.max(256 << 10, Math.min((long) config.spark().partMib() << 20, total / 16));
        int i = 0;
        for (String source : config.inputs().keySet()) {
            List<File> group = new ArrayList<>();
            long bytes = 0;
            for (File file : inputs.get(i++)) {
                if (!group.isEmpty() && (bytes + file.bytes() > limit || group.size() == MAX_FILES)) {
                    parts.add(new Part(parts.size(), source, List.copyOf(group), bytes));
                    group.clear();
                    bytes = 0;
                }
                group.add(file);
                bytes += file.bytes();
            }
            parts.add(new Part(parts.size(), source, List.copyOf(group), bytes));
        }
        return new Plan(List.copyOf(parts), List.copyOf(ignored));
    }

    // All at once: whoever mends one path after the other starts as often as there are wrong ones.
    private static void require(List<UserError> faults) {
        if (faults.size() == 1) {
            throw faults.get(0);
        }
        if (!faults.isEmpty()) {
            String all = faults.stream().map(UserError::getMessage).collect(Collectors.joining("\n"));
            throw faults.stream().allMatch(f -> f.exitCode() == ExitCode.ENVIRONMENT) ? UserError.environment(all, faults.get(0))
                    : UserError.badInput(all, faults.get(0));
        }
    }

    private static long modified(Configuration conf, String file) {
        try {
            Path path = new Path(file);
            return path.getFileSystem(conf).getFileStatus(path).getModificationTime();
        } catch (IOException e) {
            throw UserError.badInput("input file " + file + " cannot be looked at: " + Store.firstLine(e), e);
        }
    }
}
