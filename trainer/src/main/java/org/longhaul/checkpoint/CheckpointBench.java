package org.longhaul.checkpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;
import org.longhaul.model.ModelConfig;
import org.longhaul.natives.CpuBackend;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Saves and loads a made-up state and compares with plain sequential input and output of the same disk in the same run. */
@Command(name = "checkpoint", description = "Save and load a made-up state: how long training stands still, GB/s of writing and reading, beside "
        + "a plain file of the same size on the same disk.")
final class CheckpointBench implements Runnable {
    private static final int BLOCK = 8 << 20;
    private static final long TENSOR = 64L << 20;

    @Parameters(paramLabel = "FOLDER", description = "Folder to work in; a folder made inside is deleted at the end.")
    private Path folder;

    @Option(names = "--gb", paramLabel = "N", defaultValue = "2", description = "Size of the state in GB (default: ${DEFAULT-VALUE}).")
    private double gb;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "3", description = "Rounds; the median counts (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Spec private CommandSpec spec;

    private enum Measure {
        PLAIN_COPY("copy in memory"),
        STALL("training stands still"),
        PLAIN_WRITE("plain write and fsync"),
        SAVE("save in the background"),
        PLAIN_READ("plain read"),
        LOAD("load and check");

        private final String text;

        Measure(String text) {
            this.text = text;
        }
    }

    @Override
    public void run() {
        if (!(gb > 0) || rounds < 1) {
            throw UserError.badInput("--gb must be above 0 and --rounds at least 1: " + gb + ", " + rounds);
        }
        Path place = folder.resolve("checkpoint-bench");
        try (Backend backend = new CpuBackend()) {
            Files.createDirectories(place);
            List<BoxData> state = state(backend, Math.max(1, (int) Math.round(gb * 1e9 / TENSOR)));
            long bytes = state.stream().mapToLong(d -> d.tensor().bytes()).sum();
            double[][] seconds = new double[Measure.values().length][rounds];
            try (CheckpointStore store = CheckpointStore.open(place);
                    CheckpointSaver saver = new CheckpointSaver(store, backend, new Retention(Duration.ZERO, 0, 2, 0))) {
                // The first save allocates its staging memory, which later ones use again.
                save(saver, state, 0);
                for (int r = 0; r < rounds; r++) {
                    round(seconds, r, backend, state, place, store, saver);
                }
            }
            print(spec.commandLine().getOut(), bytes, seconds);
            state.forEach(d -> d.tensor().arena().close());
            new LocalStorage(folder).delete("checkpoint-bench");
        } catch (IOException e) {
            throw UserError.environment("cannot write to " + place + ": " + Reason.of(e), e);
        }
    }

    private static void round(double[][] seconds, int r, Backend backend, List<BoxData> state, Path place, CheckpointStore store,
            CheckpointSaver saver) throws IOException {
        Path plain = place.resolve("plain");
        long bytes = state.stream().mapToLong(d -> d.tensor().bytes()).sum();
        ByteBuffer from = ByteBuffer.allocateDirect((int) TENSOR);
        ByteBuffer to = ByteBuffer.allocateDirect((int) TENSOR);
        copy(from, to, TENSOR);
        seconds[Measure.PLAIN_COPY.ordinal()][r] = time(() -> copy(from, to, bytes));
        seconds[Measure.PLAIN_WRITE.ordinal()][r] = time(() -> plainWrite(plain, bytes));
        save(saver, state, r + 1);
        SaveStats stats = saver.stats();
        if (stats.failures() > 0) {
            throw new IOException("the save failed, see the warning");
        }
        seconds[Measure.STALL.ordinal()][r] = stats.lastStallSeconds();
        seconds[Measure.SAVE.ordinal()][r] = stats.lastWriteSeconds();
        seconds[Measure.PLAIN_READ.ordinal()][r] = time(() -> plainRead(plain));
        seconds[Measure.LOAD.ordinal()][r] = time(() -> store.openNewest().load(backend, state));
        Files.delete(plain);
    }

    private static void save(CheckpointSaver saver, List<BoxData> state, long step) {
        ModelConfig model = new ModelConfig(1, 64, 1, 1, 256, 256, 64, 10000, 1e-6, 0.006);
        saver.save(new CheckpointMeta(step, SaveKind.EPHEMERAL, model, "", Map.of(), JsonNodeFactory.instance.objectNode()), state);
        saver.await();
    }

    private static List<BoxData> state(Backend backend, int tensors) {
        List<BoxData> state = new ArrayList<>();
        ByteBuffer noise = ByteBuffer.allocateDirect((int) TENSOR).order(ByteOrder.nativeOrder());
        long x = 1;
        while (noise.hasRemaining()) {
            // Marsaglia's xorshift: bytes that neither disk nor file system can compress.
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
            noise.putLong(x);
        }
        for (int t = 0; t < tensors; t++) {
            Arena arena = backend.allocate("state " + t, TENSOR);
            BoxData d = new BoxData(Box.whole("tensor." + t, TENSOR / 4096, 1024), arena.tensor("t" + t, 0, DType.F32, TENSOR / 4096, 1024));
            backend.upload(d.tensor(), noise.clear());
            state.add(d);
        }
        return state;
    }

    private static void copy(ByteBuffer from, ByteBuffer to, long bytes) {
        for (long done = 0; done < bytes; done += TENSOR) {
            to.put(0, from, 0, (int) TENSOR);
        }
    }

    private static void plainWrite(Path file, long bytes) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long done = 0; done < bytes; done += BLOCK) {
                block.clear();
                while (block.hasRemaining()) {
                    out.write(block);
                }
            }
            out.force(true);
        }
    }

    private static void plainRead(Path file) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            while (in.read(block.clear()) >= 0) {
                // Only the transfer counts.
                block.flip();
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static double time(Work work) throws IOException {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) * 1e-9;
    }

    private static void print(PrintWriter out, long bytes, double[][] seconds) {
        out.printf("%.2f GB of state, median of %d rounds%n", bytes / 1e9, seconds[0].length);
        double[] medians = new double[seconds.length];
        for (Measure m : Measure.values()) {
            double[] sorted = seconds[m.ordinal()].clone();
            Arrays.sort(sorted);
            medians[m.ordinal()] = sorted[sorted.length / 2];
            // Each of ours stands behind the plain thing it is held against.
            String ratio = m.ordinal() % 2 == 0 ? "" : "%.2f × plain".formatted(medians[m.ordinal() - 1] / medians[m.ordinal()]);
            out.printf("%-24s %8.3f s %8.2f GB/s  %s%n", m.text, medians[m.ordinal()], bytes / medians[m.ordinal()] / 1e9, ratio);
        }
    }
}
