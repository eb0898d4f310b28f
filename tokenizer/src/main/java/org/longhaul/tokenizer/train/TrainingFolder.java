package org.longhaul.tokenizer.train;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * What a training leaves on disk to go on from: the word counts with a description of what was counted, and the merges so far with
 * a description of how they were made. Both are used only when the description is the same.
 */
public final class TrainingFolder {
    private static final long MAGIC = 0x4C484D4730303031L;

    private final Path folder;

    /** The folder is made when something is written. */
    public TrainingFolder(Path folder) {
        this.folder = folder;
    }

    private Path words() {
        return folder.resolve("words.run");
    }

    private Path merges() {
        return folder.resolve("merges.log");
    }

    /** The counts of an earlier start with the same description, else those that {@code count} makes, which are kept. */
    public WordCounts words(String description, Supplier<List<Path>> count) {
        Path about = folder.resolve("words.txt");
        try {
            if (Files.isRegularFile(words()) && Files.isRegularFile(about) && Files.readString(about).equals(description)) {
                return SortedRuns.of(List.of(words()));
            }
            Files.createDirectories(folder);
            Files.deleteIfExists(about);
            Files.deleteIfExists(merges());
            // What a start left that was killed while it counted.
            try (Stream<Path> left = Files.list(folder)) {
                for (Path run : left.filter(file -> file.getFileName().toString().matches("words-.*\\.run")).toList()) {
                    Files.delete(run);
                }
            }
            List<Path> runs = count.get();
            SortedRuns.write(SortedRuns.of(runs), words());
            for (Path run : runs) {
                Files.delete(run);
            }
            Files.writeString(about, description);
            return SortedRuns.of(List.of(words()));
        } catch (IOException e) {
            throw UserError.environment(folder + ": cannot keep word counts: " + e.getMessage(), e);
        }
    }

    /** Keeps the merges made so far, in place of those kept before. */
    public void saveMerges(String description, List<int[]> merges) {
        Path part = folder.resolve("merges.part");
        try {
            CheckedOutputStream checked = new CheckedOutputStream(new BufferedOutputStream(Files.newOutputStream(part), 1 << 16), new CRC32C());
            try (DataOutputStream out = new DataOutputStream(checked)) {
                out.writeLong(MAGIC);
                byte[] text = description.getBytes(StandardCharsets.UTF_8);
                out.writeInt(text.length);
                out.write(text);
                out.writeInt(merges.size());
                for (int[] merge : merges) {
                    out.writeInt(merge[0]);
                    out.writeInt(merge[1]);
                    out.writeInt(merge[2]);
                }
                out.writeInt((int) checked.getChecksum().getValue());
            }
            Files.move(part, merges(), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw UserError.environment(merges() + ": cannot be written: " + Reason.of(e), e);
        }
    }

    /** The merges kept under the same description; none when there are no such, an error when the file is damaged. */
    public List<int[]> merges(String description) {
        List<int[]> merges = new ArrayList<>();
        if (!Files.isRegularFile(merges())) {
            return merges;
        }
        try {
            CheckedInputStream checked = new CheckedInputStream(new BufferedInputStream(Files.newInputStream(merges()), 1 << 16), new CRC32C());
            try (DataInputStream in = new DataInputStream(checked)) {
                if (in.readLong() != MAGIC) {
                    throw damaged(null);
                }
                String about = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
                int size = in.readInt();
                for (int i = 0; i < size; i++) {
                    merges.add(new int[] {in.readInt(), in.readInt(), in.readInt()});
                }
                int crc = (int) checked.getChecksum().getValue();
                if (in.readInt() != crc) {
                    throw damaged(null);
                }
                return about.equals(description) ? merges : new ArrayList<>();
            }
        } catch (IOException | IllegalArgumentException e) {
            throw damaged(e);
        }
    }

    private UserError damaged(Exception e) {
        return UserError.badInput(merges() + ": damaged: delete the file and train again", e);
    }
}
