package org.longhaul.fake;

import ai.djl.pytorch.jni.LibUtils;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.longhaul.natives.LibTorch;

/**
 * A PyTorch installation with CUDA whose driver, run-time compiler, cuBLASLt, cuDNN and NCCL are stand-ins on the CPU (resources of
 * this package), so that everything that drives a GPU runs where there is none. Its folder is what {@code PYTORCH_LIBRARY_PATH} names;
 * libraries are bound once in a process, so what uses it runs in a process of its own.
 */
public final class FakeCuda {
    private static final String[] SOURCES = {"machine.cpp", "driver.cpp", "nvrtc.cpp", "cublaslt.cpp", "cudnn.cpp", "nccl.cpp"};
    private static final String[] OTHERS = {"machine.h", "queues.h", "torch.cpp"};
    private static final String[] EMULATION = {"emulation.h", "emulation_main.h"};
    private static final int MINUTES = 10;

    private final Path folder;

    private FakeCuda(Path folder) {
        this.folder = folder;
    }

    /** Builds it in a folder: {@code main FOLDER}; the last line printed is the variable to export. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        FakeCuda cuda = new FakeCuda(Path.of(arguments[0]).toAbsolutePath());
        cuda.build();
        System.out.println("export PYTORCH_LIBRARY_PATH=" + cuda.libraries());
        System.exit(0);
    }

    /** Whether there is a compiler to build it with. */
    public static boolean available() {
        try {
            return new ProcessBuilder("g++", "--version").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The machine of these sources, built on first use under the build folder. */
    public static FakeCuda machine() throws IOException, InterruptedException {
        Path classes;
        try {
            classes = Path.of(FakeCuda.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (java.net.URISyntaxException e) {
            throw new IOException(e);
        }
        FakeCuda cuda = new FakeCuda(classes.resolveSibling("fake-cuda-" + hash()));
        if (!Files.exists(cuda.folder.resolve("torch/lib/libtorch_cpu.so"))) {
            cuda.build();
        }
        return cuda;
    }

    /** What {@code PYTORCH_LIBRARY_PATH} should name. */
    public Path libraries() {
        return folder.resolve("torch/lib");
    }

    /** Where the stand-ins of the CUDA libraries lie, to take one away. */
    Path wheels() {
        return folder.resolve("nvidia/fake/lib");
    }

    /** The same machine with its own copy of the folders, for a test that breaks it. */
    FakeCuda copy(Path to) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path target = to.resolve(folder.relativize(file).toString());
                if (file.startsWith(folder.resolve("cache"))) {
                    continue;
                }
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target, java.nio.file.LinkOption.NOFOLLOW_LINKS);
                }
            }
        }
        return new FakeCuda(to);
    }

    /** What a process did: its exit status, what it printed (both streams), and the faults and leaks that the machine saw. */
    record Outcome(int status, String text, String faults) {}

    /** Runs a class of this class path on the machine. */
    Outcome java(Map<String, String> settings, Class<?> main, String... arguments) throws IOException, InterruptedException {
        try (Running running = start(settings, main, arguments)) {
            return running.outcome();
        }
    }

    /** Starts a class of this class path on the machine. */
    Running start(Map<String, String> settings, Class<?> main, String... arguments) throws IOException {
        Path report = Files.createTempFile("fake-cuda", ".report");
        Path log = Files.createTempFile("fake-cuda", ".log");
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(o -> o.startsWith("--")).forEach(command::add);
        command.addAll(List.of("-Xmx1g", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true", "-XX:-UsePerfData", "-cp",
                System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("PYTORCH_LIBRARY_PATH", libraries().toString());
        builder.environment().put("LONGHAUL_CACHE", folder.resolve("cache").toString());
        builder.environment().put("LH_FAKE_REPORT", report.toString());
        builder.environment().put("OMP_NUM_THREADS", "1");
        builder.environment().putAll(settings);
        return new Running(builder.start(), log, report);
    }

    /** A process on the machine. */
    record Running(Process process, Path log, Path report) implements AutoCloseable {
        /** What it did, once it has ended. */
        Outcome outcome() throws IOException, InterruptedException {
            if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly().waitFor();
                return new Outcome(-1, Files.readString(log) + "\nstopped after " + MINUTES + " minutes", Files.readString(report));
            }
            return new Outcome(process.exitValue(), Files.readString(log), Files.readString(report));
        }

        /** Waits until it has printed the words. */
        void awaitText(String words) throws IOException, InterruptedException {
            while (!Files.readString(log).contains(words)) {
                if (process.waitFor(100, TimeUnit.MILLISECONDS)) {
                    throw new IllegalStateException("ended before it said '" + words + "':\n" + Files.readString(log));
                }
            }
        }

        /** Its own processes, in the order of their start. */
        List<ProcessHandle> children() {
            return process.children().sorted(java.util.Comparator.comparingLong(ProcessHandle::pid)).toList();
        }

        @Override
        public void close() throws IOException {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            Files.deleteIfExists(log);
            Files.deleteIfExists(report);
        }
    }

    private static String hash() throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String[] group : new String[][] {SOURCES, OTHERS, EMULATION}) {
                for (String name : group) {
                    digest.update(resource(name));
                }
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 5);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static byte[] resource(String name) throws IOException {
        String path = List.of(EMULATION).contains(name) ? "/org/longhaul/ops/cuda/" + name : "/org/longhaul/fake/" + name;
        try (InputStream in = FakeCuda.class.getResourceAsStream(path)) {
            return in.readAllBytes();
        }
    }

    // The layout of the wheels: torch/lib, and the CUDA libraries in nvidia/<part>/lib beside it.
    private void build() throws IOException, InterruptedException {
        LibTorch.load();
        Path real = Path.of(LibUtils.getLibtorchPath()).toRealPath();
        Path lib = Files.createDirectories(libraries());
        Path sources = Files.createDirectories(folder.resolve("sources"));
        for (String[] group : new String[][] {SOURCES, OTHERS}) {
            for (String name : group) {
                Files.write(sources.resolve(name), resource(name));
            }
        }
        for (String name : EMULATION) {
            Files.write(Files.createDirectories(folder.resolve("emulation")).resolve(name), resource(name));
        }
        List<String> flags = List.of("-std=c++17", "-O2", "-w", "-shared", "-fPIC", "-fvisibility=hidden");
        Path machine = lib.resolve("libtorch_cuda.so");
        List<String> command = new ArrayList<>(List.of("g++"));
        command.addAll(flags);
        command.addAll(List.of("-Wl,-soname,libtorch_cuda.so", "-o", machine.toString()));
        command.addAll(List.of(SOURCES));
        command.addAll(List.of("-ldl", "-lpthread", "-lrt"));
        run(sources, command);
        Path wheel = Files.createDirectories(wheels());
        for (String name : new String[] {"libcuda.so.1", "libnvrtc.so.13", "libcublasLt.so.13", "libcudnn.so.9", "libnccl.so.2"}) {
            link(wheel.resolve(name), wheel.relativize(machine));
        }
        // libtorch itself, and its JNI as scripts/build-native would have made it.
        for (String name : new String[] {"libc10.so", "libtorch.so"}) {
            link(lib.resolve(name), real.resolve(name));
        }
        try (Stream<Path> files = Files.list(real)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (name.endsWith("libdjl_torch.so")) {
                    link(lib.resolve("libdjl_torch.so"), file);
                } else if (name.startsWith("libgomp")) {
                    link(lib.resolve(name), file);
                }
            }
        }
        Files.writeString(lib.resolve("longhaul-torch.properties"), "version=2.7.1\ncuda=13.0\norigin=" + real + "\n", StandardCharsets.UTF_8);
        command = new ArrayList<>(List.of("g++"));
        command.addAll(flags);
        Path part = folder.resolve("libtorch_cpu.so.part");
        command.addAll(List.of(
                "-Wl,-soname,libfake_torch_cpu.so", "-Wl,-rpath," + real + ":" + lib, "-o", part.toString(), "torch.cpp", "-Wl,--no-as-needed",
                machine.toString(), "-L" + real, "-ltorch_cpu", "-lc10", "-ldl"));
        run(sources, command);
        // Last, because it tells that all of it is there.
        Files.move(part, lib.resolve("libtorch_cpu.so"), StandardCopyOption.ATOMIC_MOVE);
    }

    private static void link(Path link, Path target) throws IOException {
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, target);
    }

    private static void run(Path at, List<String> command) throws IOException, InterruptedException {
        Path log = at.resolve("log");
        int status = new ProcessBuilder(command).directory(at.toFile()).redirectErrorStream(true).redirectOutput(log.toFile()).start().waitFor();
        if (status != 0) {
            throw new IllegalStateException(String.join(" ", command) + "\n" + Files.readString(log));
        }
    }
}
