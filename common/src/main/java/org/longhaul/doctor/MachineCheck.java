package org.longhaul.doctor;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** JDK, processors, memory, open files and disk. */
public final class MachineCheck implements DoctorCheck {
    private static final long GIB = 1L << 30;
    private static final long LEAST_FREE = 2 * GIB;

    @Override
    public int order() {
        return 0;
    }

    @Override
    public List<Finding> look() {
        List<Finding> findings = new ArrayList<>();
        findings.add(java(Runtime.version().feature(), System.getProperty("java.version"), System.getProperty("java.vendor")));
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        findings.add(platform(System.getProperty("os.name"), System.getProperty("os.arch"), Runtime.getRuntime().availableProcessors()));
        findings.add(memory(system.getTotalMemorySize(), system.getFreeMemorySize(), Runtime.getRuntime().maxMemory()));
        if (system instanceof UnixOperatingSystemMXBean unix) {
            findings.add(openFiles(unix.getMaxFileDescriptorCount()));
        }
        findings.add(folder("here", Path.of("").toAbsolutePath()));
        findings.add(folder("temporary", Path.of(System.getProperty("java.io.tmpdir"))));
        return findings;
    }

    static Finding java(int feature, String version, String vendor) {
        String found = version + " (" + vendor + ")";
        if (feature < 17) {
            return Finding.fail("Java", found, "install Java 17 or newer");
        }
        return feature > 25 ? Finding.warn("Java", found + " is newer than what Longhaul is tested with", "use 17 or 25 when something is odd")
                : Finding.ok("Java", found);
    }

    static Finding platform(String name, String architecture, int processors) {
        String found = name + " " + architecture + ", " + processors + " processors";
        boolean natives = name.equals("Linux") && (architecture.equals("amd64") || architecture.equals("x86_64"));
        return natives ? Finding.ok("platform", found)
                : Finding.warn("platform", found, "the libtorch that comes with Longhaul is for Linux on x86-64: set PYTORCH_LIBRARY_PATH to one for this platform");
    }

    static Finding memory(long total, long free, long heap) {
        String found = String.format("%.1f GiB for this machine or container, %.1f GiB free; Java heap up to %.1f GiB",
                total / (double) GIB, free / (double) GIB, heap / (double) GIB);
        if (total < 4 * GIB) {
            return Finding.warn("memory", found, "4 GiB are the least for the quickstart, 8 GiB for real data");
        }
        return heap > total * 9 / 10 ? Finding.warn("memory", found, "lower LONGHAUL_HEAP: tensors live outside the heap and need room too")
                : Finding.ok("memory", found);
    }

    static Finding openFiles(long limit) {
        return limit < 4096 ? Finding.warn("open files", "at most " + limit, "raise it with 'ulimit -n 65536': shards and shuffles keep many files open")
                : Finding.ok("open files", "at most " + limit);
    }

    static Finding folder(String subject, Path folder) {
        try {
            FileStore store = Files.getFileStore(folder);
            String found = String.format("%s: %.1f GiB free", folder, store.getUsableSpace() / (double) GIB);
            if (!Files.isWritable(folder)) {
                return Finding.warn(subject, folder + " is not writable", "choose output folders elsewhere or change its permissions");
            }
            return store.getUsableSpace() < LEAST_FREE ? Finding.warn(subject, found, "free some space: shards and checkpoints need it") : Finding.ok(subject, found);
        } catch (IOException e) {
            return Finding.fail(subject, folder + " cannot be used: " + e.getMessage(), "choose another folder");
        }
    }
}
