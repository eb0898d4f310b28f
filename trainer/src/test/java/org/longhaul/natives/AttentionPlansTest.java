package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.fake.FakeCuda;

/**
 * The real cuDNN is asked for attention on GPUs by their properties alone: which engines take our graphs, whether their kernels compile,
 * and how much memory they want. What comes out of them only a GPU tells.
 */
class AttentionPlansTest {
    @TempDir
    private Path folder;

    @Test
    void cudnnHasEnginesForWhatIsAskedOfIt() throws IOException, InterruptedException {
        Path cudnn = NativeLibraries.find("cudnn").orElse(null);
        Path nvrtc = NativeLibraries.find("nvrtc").orElse(null);
        Assumptions.assumeTrue(cudnn != null && nvrtc != null, "needs libcudnn and libnvrtc (set PYTORCH_LIBRARY_PATH to a CUDA PyTorch)");
        Assumptions.assumeTrue(!cudnn.toRealPath().getFileName().toString().contains("torch"), "needs the real libcudnn, not a stand-in");
        Assumptions.assumeTrue(CudnnAttention.version() >= 91_100, "needs cuDNN 9.11");
        Assumptions.assumeTrue(FakeCuda.available(), "needs g++ for a driver without a device");
        List<String> lines = run(nvrtc.toRealPath().getParent());
        assertEquals(4 * 8, lines.size(), String.join("\n", lines));
        List<String> missing = new ArrayList<>();
        for (String line : lines) {
            String[] words = line.split(" ");
            boolean open = words[3].equals("OPEN");
            // The masks of documents are for Hopper, and but for the ordered backward for Blackwell.
            boolean expected = open || words[1].equals("H200") || !words[2].equals("ordered");
            if (line.contains("none: ")) {
                if (expected) {
                    missing.add(line);
                }
                continue;
            }
            // What the memory plan counts for an H200 is enough, and not much too much.
            long bytes = Long.parseLong(words[5]);
            long planned = Long.parseLong(words[6]);
            if (words[1].equals("H200") && (bytes > planned || !words[2].equals("forward") && bytes < 0.8 * planned)) {
                missing.add(line + " bytes are not what is planned");
            }
        }
        assertTrue(missing.isEmpty(), String.join("\n", missing));
    }

    private List<String> run(Path compilers) throws IOException, InterruptedException {
        Path source = folder.resolve("no_device.cpp");
        try (InputStream in = AttentionPlansTest.class.getResourceAsStream("no_device.cpp")) {
            Files.copy(in, source);
        }
        Path driver = folder.resolve("libcuda.so.1");
        assertEquals(0, new ProcessBuilder("g++", "-w", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", driver.toString(), source.toString())
                .inheritIO().start().waitFor());
        Path log = folder.resolve("log");
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m", "-cp", System.getProperty("java.class.path"),
                AttentionPlans.class.getName()).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("LD_LIBRARY_PATH", folder + ":" + compilers);
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(5, TimeUnit.MINUTES), "cuDNN takes more than five minutes");
            assertEquals(0, process.exitValue(), Files.readString(log));
            return Files.readAllLines(log).stream().filter(l -> l.startsWith("plan ")).toList();
        } finally {
            process.destroyForcibly();
        }
    }
}
