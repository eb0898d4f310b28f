package org.longhaul.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.longhaul.checkpoint.CheckpointRef;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.PlaceProbe;
import org.longhaul.config.ConfigLoader;
import org.longhaul.doctor.DoctorCheck;
import org.longhaul.doctor.Finding;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaDevice;

/** The doctor's look at the places that a training job reads and writes, and at the device it wants. */
public final class PlacesCheck implements DoctorCheck {
    private static final int READ = 64 << 20;

    @Override
    public int order() {
        return 400;
    }

    @Override
    public List<Finding> look() {
        return List.of(PlaceProbe.client("s3a")
                ? Finding.ok("s3a", "Hadoop's S3 client is here")
                : Finding.ok("s3a", "Hadoop's S3 client is not here; only for s3a:// run scripts/fetch-s3a once"));
    }

    @Override
    public List<Finding> look(Path file, List<String> overrides) {
        TrainConfig config;
        try {
            config = ConfigLoader.load(file, overrides, TrainConfig.class);
        } catch (UserError e) {
            return List.of(Finding.fail("job", e.getMessage().lines().findFirst().orElse(""), "longhaul plan " + file + " lists all that is wrong with it"));
        }
        CheckpointSpace space = CheckpointSpace.of(config);
        List<Finding> findings = new ArrayList<>();
        String local = config.output().resolve("checkpoints").toString();
        if (!config.checkpointRoot().equals(local)) {
            findings.add(PlaceProbe.look("output", config.output().toString(), 0));
        }
        Finding checkpoints = PlaceProbe.look("checkpoints", config.checkpointRoot(), space.one());
        findings.add(checkpoints);
        if (checkpoints.level() != Finding.Level.FAIL) {
            findings.add(room(config, space));
        }
        findings.add(data(config));
        if (config.device().kind() == DeviceConfig.Kind.CUDA) {
            findings.add(device());
        }
        config.checkpoint().initFrom().ifPresent(from -> findings.add(start("init_from", from)));
        config.checkpoint().branchFrom().ifPresent(from -> findings.add(start("branch_from", from)));
        return findings;
    }

    private static Finding room(TrainConfig config, CheckpointSpace space) {
        String needs = "checkpoints take " + space;
        Optional<Long> free = PlaceProbe.free(config.checkpointRoot());
        if (free.isEmpty()) {
            return Finding.ok("room", needs + "; how much is free there is not known");
        }
        String found = needs + "; " + Sizes.bytes(free.get()) + " are free, besides what is there";
        return free.get() < space.most()
                ? Finding.warn("room", found, "set checkpoint.retention.keep_permanent, raise permanent_every, or name a larger place in checkpoint.path")
                : Finding.ok("room", found);
    }

    private static Finding data(TrainConfig config) {
        try {
            TrainData data = TrainData.open(config);
            return Finding.ok("data", String.format(Locale.ROOT, "%s: %,d samples to train on, reads %s", config.data().path(),
                    data.samples(config.model().context()), speed(config.data().path())));
        } catch (UserError e) {
            return Finding.failed("data", e.getMessage(), "make shards with longhaul data run, or name their folder in data.path");
        } catch (IOException e) {
            return Finding.fail("data", config.data().path() + " cannot be read: " + Reason.of(e), "give this user the right to read it");
        }
    }

    private static Finding device() {
        try {
            return Finding.ok("device", "device.kind is cuda, this process sees " + gpus(CudaDevice.count()));
        } catch (UserError e) {
            return Finding.fail("device", "device.kind is cuda: " + e.getMessage().split("; ", 2)[0], "run doctor on a node with GPUs, install the NVIDIA driver "
                    + "(nvidia-smi must work), or set device.kind to cpu");
        }
    }

    private static String gpus(int count) {
        return count == 1 ? "1 GPU" : count + " GPUs";
    }

    private static String speed(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            Path largest = files.filter(Files::isRegularFile).max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length())).orElseThrow();
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
            long start = System.nanoTime();
            long read = 0;
            try (FileChannel in = FileChannel.open(largest)) {
                while (read < READ && in.read(buffer.clear()) > 0) {
                    read += buffer.position();
                }
            }
            return PlaceProbe.rate(read, System.nanoTime() - start) + " (what the machine has in memory included)";
        }
    }

    private static Finding start(String key, String from) {
        try {
            CheckpointRef ref = CheckpointRef.parse(from);
            try (CheckpointStore store = ref.store()) {
                return Finding.ok(key, ref.open(store).path() + " is complete");
            }
        } catch (UserError e) {
            return Finding.failed(key, e.getMessage(), "name another checkpoint in checkpoint." + key);
        }
    }
}
