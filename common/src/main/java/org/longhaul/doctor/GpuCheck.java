package org.longhaul.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** GPUs by {@code nvidia-smi}, the driver, and NCCL, which GPUs talk to one another through. */
public final class GpuCheck implements DoctorCheck {
    private static final String NCCL = "libnccl.so.2";

    @Override
    public int order() {
        return 100;
    }

    @Override
    public List<Finding> look() {
        Optional<Tool.Answer> smi = Tool.run(Duration.ofSeconds(20),
                List.of("nvidia-smi", "--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader"));
        List<Finding> findings = new ArrayList<>(gpus(smi, Files.exists(Path.of("/proc/driver/nvidia/version"))));
        if (findings.stream().anyMatch(finding -> finding.subject().startsWith("GPU ") && finding.level() == Finding.Level.OK)) {
            findings.add(nccl(libraryFolders()));
        }
        return findings;
    }

    static List<Finding> gpus(Optional<Tool.Answer> smi, boolean driverLoaded) {
        if (smi.isEmpty()) {
            return List.of(driverLoaded
                    ? Finding.warn("GPU", "the NVIDIA driver is loaded but nvidia-smi does not answer", "install nvidia-utils, or check the driver with dmesg")
                    : Finding.ok("GPU", "none: training runs on the CPU"));
        }
        if (smi.get().status() != 0) {
            String line = smi.get().text().lines().findFirst().orElse("no message");
            return List.of(Finding.warn("GPU", "nvidia-smi failed: " + line, "load the NVIDIA driver, or start the container with its GPUs"));
        }
        List<Finding> findings = new ArrayList<>();
        smi.get().text().lines().filter(line -> line.contains(",")).forEach(line -> {
            String[] parts = line.split("\\s*,\\s*");
            String driver = parts.length > 3 ? ", driver " + parts[3] : "";
            findings.add(Finding.ok("GPU " + parts[0], parts[1] + (parts.length > 2 ? ", " + parts[2] : "") + driver));
        });
        return findings.isEmpty() ? List.of(Finding.warn("GPU", "nvidia-smi lists none", "start the container with its GPUs")) : findings;
    }

    static Finding nccl(List<Path> folders) {
        for (Path folder : folders) {
            if (Files.exists(folder.resolve(NCCL))) {
                return Finding.ok("NCCL", folder.resolve(NCCL).toString());
            }
        }
        Optional<Tool.Answer> cache = Tool.run(Duration.ofSeconds(5), List.of("ldconfig", "-p"));
        Optional<String> known = cache.flatMap(answer -> answer.text().lines().filter(line -> line.contains(NCCL)).findFirst());
        return known.map(line -> Finding.ok("NCCL", line.strip()))
                .orElseGet(() -> Finding.warn("NCCL", NCCL + " was not found", "several GPUs need it: it comes with every CUDA PyTorch; name its folder in LD_LIBRARY_PATH"));
    }

    /** The folders of libtorch and of the loader's path, and beside them those where Python packages keep NCCL. */
    private static List<Path> libraryFolders() {
        List<Path> folders = new ArrayList<>();
        String torch = System.getenv("PYTORCH_LIBRARY_PATH");
        if (torch != null && !torch.isBlank()) {
            Path lib = Path.of(torch);
            folders.add(lib);
            folders.add(lib.resolve("../../nvidia/nccl/lib").normalize());
        }
        String loader = System.getenv("LD_LIBRARY_PATH");
        if (loader != null) {
            Stream.of(loader.split(":")).filter(part -> !part.isBlank()).map(Path::of).forEach(folders::add);
        }
        return folders;
    }
}
