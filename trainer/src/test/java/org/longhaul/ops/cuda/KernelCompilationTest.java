package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.natives.KernelCompiler;
import org.longhaul.natives.NativeLibraries;

/** Every kernel source compiles by NVRTC for the GPUs we name; needs no GPU, only the library. */
class KernelCompilationTest {
    @TempDir
    static Path cache;

    @BeforeAll
    static void nvrtc() {
        Assumptions.assumeTrue(NativeLibraries.find("nvrtc").isPresent(), "needs libnvrtc (set PYTORCH_LIBRARY_PATH to a CUDA PyTorch)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"elementwise", "swiglu", "rope", "norm", "loss", "embedding", "reduce", "adamw", "fp8"})
    void compiles(String source) {
        KernelCompiler compiler = new KernelCompiler(cache);
        for (String architecture : new String[] {"sm_80", "sm_90a", "sm_100a"}) {
            // 8-bit conversions begin with compute capability 8.9.
            if (source.equals("fp8") && architecture.equals("sm_80")) {
                continue;
            }
            // Comparisons in F32 run on whatever GPU is there; one architecture stands for all.
            for (String option : architecture.equals("sm_90a") ? new String[] {"", "-DLH_F32"} : new String[] {""}) {
                List<String> options = option.isEmpty() ? List.of() : List.of(option);
                byte[] code = compiler.compile(source + ".cu", KernelSources.text(source), options, architecture);
                assertTrue(code.length > 0, architecture);
            }
        }
    }
}
