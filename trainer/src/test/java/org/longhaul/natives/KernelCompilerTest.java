package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

/** NVRTC needs no GPU, so this runs wherever a CUDA build of PyTorch is named by PYTORCH_LIBRARY_PATH. */
class KernelCompilerTest {
    private static final String SOURCE = "extern \"C\" __global__ void twice(float* x, int n) {"
            + " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] *= 2.0f; }";

    @TempDir
    Path cache;

    @BeforeEach
    void nvrtcIsHere() {
        Assumptions.assumeTrue(
                NativeLibraries.find("nvrtc").isPresent(), "no libnvrtc: set PYTORCH_LIBRARY_PATH to a CUDA PyTorch's lib folder");
    }

    @Test
    void keepsWhatItCompiles() throws IOException {
        KernelCompiler compiler = new KernelCompiler(cache);
        byte[] first = compiler.compile("twice.cu", SOURCE, List.of("--use_fast_math"), "sm_90a");
        assertEquals(0x7f, first[0]);
        assertEquals('E', first[1]);
        assertEquals(1, files());
        assertArrayEquals(first, compiler.compile("twice.cu", SOURCE, List.of("--use_fast_math"), "sm_90a"));
        assertEquals(1, files());
        compiler.compile("twice.cu", SOURCE, List.of(), "sm_90a");
        compiler.compile("twice.cu", SOURCE, List.of(), "sm_80");
        compiler.compile("twice.cu", SOURCE + "\n", List.of(), "sm_80");
        assertEquals(4, files(), "options, architecture and source each make a new entry");
    }

    @Test
    void saysWhatIsWrongWithASource() throws IOException {
        UserError e = assertThrows(
                UserError.class,
                () -> new KernelCompiler(cache).compile("bad.cu", "extern \"C\" __global__ void f() { undefined(); }", List.of(), "sm_90"));
        assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
        assertTrue(e.getMessage().contains("bad.cu") && e.getMessage().contains("undefined"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
        assertEquals(0, files());
    }

    private long files() throws IOException {
        try (Stream<Path> files = Files.list(cache)) {
            return files.count();
        }
    }
}
