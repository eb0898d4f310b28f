package org.longhaul.shards;

import com.dynatrace.hash4j.hashing.Hashing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardManifest.DataFile;

/** Reads every file of a data set, on several threads, and holds every block of 4 MiB against the manifest. */
public final class ShardVerifier {
    private static final int BLOCKS_PER_TASK = 16;
    private static final int MOST_THREADS = 8;

    private final ShardPlace place;
    private final ShardManifest manifest;

    /**
     * Something wrong with one file.
     *
     * @param what was expected and found, file first
     * @param mend what to do about it
     * @param unreadable whether the place, not the content, is at fault
     */
    public record Fault(String what, String mend, boolean unreadable) {}

    /** A range of a file: the checksums found, null where a block was as it should be. */
    private record Part(int firstBlock, List<String> found, Fault fault) {}

    private ShardVerifier(ShardPlace place, ShardManifest manifest) {
        this.place = place;
        this.manifest = manifest;
    }

    /** Reads the manifest of the data set at a place; throws UserError naming it when it is missing, damaged or cannot be read. */
    public static ShardVerifier open(ShardPlace place) {
        String name = place.name() + "/" + ShardManifest.FILE;
        try {
            long length = place.length(ShardManifest.FILE);
            if (length < 0) {
                throw UserError.badInput(name + ": file is missing: no finished data set lies there; name its folder, or copy the file too");
            }
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(length));
            try (ShardPlace.Reader in = place.open(ShardManifest.FILE)) {
                in.read(bytes, 0);
            }
            return new ShardVerifier(place, ManifestFile.parse(bytes.array(), name));
        } catch (IOException e) {
            throw UserError.environment(name + ": cannot be read: " + Reason.of(e) + "; mend that place, or give this user the right to read it", e);
        }
    }

    /** The same for a manifest that was read before. */
    static ShardVerifier of(ShardPlace place, ShardManifest manifest) {
        return new ShardVerifier(place, manifest);
    }

    /** How many threads to read a whole data set with where nobody says: more than these a disk hardly rewards. */
    public static int threads() {
        return Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    }

    /** What the manifest says. */
    public ShardManifest manifest() {
        return manifest;
    }

    /** Number of files. */
    public int files() {
        return entries().size();
    }

    /** Bytes of all files. */
    public long bytes() {
        return entries().stream().mapToLong(DataFile::bytes).sum();
    }

    private List<DataFile> entries() {
        return manifest.files();
    }

    /**
     * Reads all and answers what is wrong, in the manifest's order, one fault a file; empty when all is well.
     *
     * @param read told the number of bytes after each task, from several threads
     */
    public List<Fault> verify(int threads, LongConsumer read) {
        return verify(entries(), threads, read);
    }

    List<Fault> verify(List<DataFile> entries, int threads, LongConsumer read) {
        Map<List<String>, String> owners = new HashMap<>();
        entries().forEach(entry -> owners.putIfAbsent(entry.blocks(), entry.name()));
        ExecutorService pool = Executors.newFixedThreadPool(threads, work -> {
            Thread thread = new Thread(work, "verify");
            thread.setDaemon(true);
            return thread;
        });
        try {
            List<Callable<Fault>> sizes = new ArrayList<>();
            entries.forEach(entry -> sizes.add(() -> sized(entry)));
            List<Fault> sized = all(pool, sizes);
            List<List<Future<Part>>> parts = new ArrayList<>();
            for (int f = 0; f < entries.size(); f++) {
                parts.add(sized.get(f) != null ? List.of() : parts(entries.get(f), pool, read));
            }
            List<Fault> faults = new ArrayList<>();
            for (int f = 0; f < entries.size(); f++) {
                Fault fault = sized.get(f) != null ? sized.get(f) : judge(entries.get(f), results(parts.get(f)), owners);
                if (fault != null) {
                    faults.add(fault);
                }
            }
            return faults;
        } finally {
            pool.shutdownNow();
        }
    }

    private Fault sized(DataFile entry) {
        try {
            long length = place.length(entry.name());
            if (length < 0) {
                return new Fault(path(entry) + ": file is missing, the manifest says " + entry.bytes() + " bytes", "copy it again", false);
            }
            return length == entry.bytes() ? null
                    : new Fault(path(entry) + ": has " + length + " bytes, the manifest says " + entry.bytes(), "copy the file again", false);
        } catch (IOException | RuntimeException e) {
            return unreadable(entry, 0, e);
        }
    }

    private List<Future<Part>> parts(DataFile entry, ExecutorService pool, LongConsumer read) {
        List<Future<Part>> parts = new ArrayList<>();
        for (int block = 0; block < entry.blocks().size(); block += BLOCKS_PER_TASK) {
            int first = block;
            parts.add(pool.submit(() -> read(entry, first, read)));
        }
        return parts;
    }

    private Part read(DataFile entry, int first, LongConsumer read) {
        List<String> found = new ArrayList<>();
        long position = (long) first * DataFile.BLOCK_BYTES;
        long begin = position;
        ByteBuffer buffer = ByteBuffer.allocate(DataFile.BLOCK_BYTES);
        try (ShardPlace.Reader in = place.open(entry.name())) {
            for (int block = first; block < Math.min(first + BLOCKS_PER_TASK, entry.blocks().size()); block++) {
                int length = (int) Math.min(DataFile.BLOCK_BYTES, entry.bytes() - position);
                buffer.clear().limit(length);
                int n = in.read(buffer, position);
                if (n != length) {
                    return new Part(first, found, new Fault(path(entry) + ": ends at byte " + (position + n) + " of " + entry.bytes()
                            + " though its place says it is whole", "copy the file again", false));
                }
                String hash = String.format("%016x", Hashing.xxh3_64().hashBytesToLong(buffer.array(), 0, length));
                found.add(hash.equals(entry.blocks().get(block)) ? null : hash);
                position += length;
            }
            return new Part(first, found, null);
        } catch (IOException | RuntimeException e) {
            return new Part(first, found, unreadable(entry, position, e));
        } finally {
            read.accept(position - begin);
        }
    }

    private Fault judge(DataFile entry, List<Part> parts, Map<List<String>, String> owners) {
        List<Integer> bad = new ArrayList<>();
        List<String> blocks = new ArrayList<>(entry.blocks());
        for (Part part : parts) {
            if (part.fault != null) {
                return part.fault;
            }
            for (int i = 0; i < part.found.size(); i++) {
                if (part.found.get(i) != null) {
                    bad.add(part.firstBlock + i);
                    blocks.set(part.firstBlock + i, part.found.get(i));
                }
            }
        }
        if (bad.isEmpty()) {
            return null;
        }
        String owner = owners.get(blocks);
        if (owner != null) {
            return new Fault(path(entry) + ": holds what belongs into " + owner, "copy both files again, each to its name", false);
        }
        int block = bad.get(0);
        StringBuilder what = new StringBuilder(path(entry) + ": checksum does not match in bytes " + ranges(entry, bad));
        what.append(": found ").append(blocks.get(block)).append(", the manifest says ").append(entry.blocks().get(block));
        what.append(bad.size() == 1 ? "" : " in the first of " + bad.size() + " of " + blocks.size() + " blocks");
        return new Fault(what.toString(), "copy the file again", false);
    }

    // Blocks that follow each other are one range; of many ranges the first ones tell enough.
    private static String ranges(DataFile entry, List<Integer> bad) {
        List<String> ranges = new ArrayList<>();
        for (int i = 0; i < bad.size(); ) {
            int from = i;
            while (i + 1 < bad.size() && bad.get(i + 1) == bad.get(i) + 1) {
                i++;
            }
            long end = Math.min(entry.bytes(), (bad.get(i) + 1L) * DataFile.BLOCK_BYTES);
            ranges.add((long) bad.get(from) * DataFile.BLOCK_BYTES + "–" + (end - 1));
            i++;
        }
        return ranges.size() <= 4 ? String.join(", ", ranges) : String.join(", ", ranges.subList(0, 4)) + " and " + (ranges.size() - 4) + " more ranges";
    }

    private Fault unreadable(DataFile entry, long position, Exception e) {
        return new Fault(path(entry) + ": cannot be read at byte " + position + ": " + Reason.of(e), "mend that place, or copy the file to another one", true);
    }

    private String path(DataFile entry) {
        return place.name() + "/" + entry.name();
    }

    private static <T> List<T> all(ExecutorService pool, List<Callable<T>> tasks) {
        List<Future<T>> futures = new ArrayList<>();
        tasks.forEach(task -> futures.add(pool.submit(task)));
        return results(futures);
    }

    private static <T> List<T> results(List<Future<T>> futures) {
        List<T> results = new ArrayList<>();
        try {
            for (Future<T> future : futures) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment("interrupted while reading shards", e);
        }
    }
}
