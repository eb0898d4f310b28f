package org.longhaul.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaGraph;
import org.longhaul.natives.CudaKernel;
import org.longhaul.natives.CudaModule;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.KernelCompiler;
import org.longhaul.natives.LibTorchStream;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.HostCopier;
import org.longhaul.tensor.Tensor;

@Tag("gpu")
class CudaBackendTest {
    private static final String ADD = "extern \"C\" __global__ void add_to(float* x, const float* y, float alpha, int n) {"
            + " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] += alpha * y[i]; }";

    @TempDir
    Path cache;

    @Test
    void bytesTravelBothWays() {
        try (OpenGpu gpu = new OpenGpu(1)) {
            // More than the staging ring holds, and not a multiple of a piece.
            int n = (5 * (8 << 20) + 12_345) / 4 * 4;
            Arena arena = gpu.backend().allocate("bytes", n);
            assertEquals(0, arena.address() % Arena.ALIGNMENT);
            Tensor t = arena.tensor("t", 0, DType.U8, n);
            ByteBuffer out = ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder());
            gpu.backend().download(out, t);
            for (int i = 0; i < n; i += 4097) {
                assertEquals(0, out.get(i), "arenas start as zeros");
            }
            ByteBuffer in = ByteBuffer.allocateDirect(n).order(ByteOrder.nativeOrder());
            for (int i = 0; i < n; i += 4) {
                in.putInt(i, i * 0x9E3779B9);
            }
            gpu.backend().upload(t, in);
            Tensor copy = gpu.backend().allocate("copy", n).tensor("copy", 0, DType.U8, n);
            gpu.backend().copy(copy, t);
            out.clear();
            gpu.backend().download(out, copy);
            out.clear();
            assertEquals(in, out);
            assertThrows(IllegalArgumentException.class, () -> gpu.backend().upload(t, ByteBuffer.allocateDirect(n - 1)));
        }
    }

    @Test
    void copiesToTheHostSeeTheWorkBeforeThemAndNotTheWorkBehindTheGate() throws InterruptedException {
        try (OpenGpu gpu = new OpenGpu(4)) {
            int n = 32 << 20;
            Tensor x = gpu.backend().allocate("x", n).tensor("x", 0, DType.U8, n);
            try (HostCopier copier = gpu.backend().hostCopier()) {
                ByteBuffer to = copier.allocate(n);
                for (int round = 1; round <= 20; round++) {
                    gpu.backend().computeStream().fill(x.address(), round, n);
                    copier.start(List.of(to.slice(0, n / 2), to.slice(n / 2, n / 2)), List.of(x.slice(0, n / 2), x.slice(n / 2, n)));
                    copier.gate();
                    gpu.backend().zero(x);
                    // The writer of checkpoints waits on a thread of its own.
                    Thread other = new Thread(copier::await);
                    other.start();
                    other.join();
                    for (int i = 0; i < n; i += 4093) {
                        assertEquals(round, to.get(i), "byte " + i);
                    }
                }
            }
        }
    }

    @Test
    void kernelsRunOnOrderedStreamsAndInGraphs() {
        try (OpenGpu gpu = new OpenGpu(2)) {
            CudaBackend backend = gpu.backend();
            int n = 1_000_003;
            Tensor x = gpu.empty("x", DType.F32, n);
            Tensor y = gpu.random("y", DType.F32, 1, n);
            byte[] code = new KernelCompiler(cache).compile("add.cu", ADD, List.of(), backend.device().architecture());
            try (CudaModule module = backend.device().load("add.cu", code)) {
                CudaKernel kernel = module.kernel("add_to");
                assertEquals(0, kernel.localBytes());
                CudaStream compute = backend.computeStream();
                CudaStream side = backend.newStream("side");
                Runnable work = () -> {
                    kernel.pointer(x).pointer(y).float32(2).int32(n).launch(compute, (n + 255) / 256, 256);
                    side.waitFor(compute);
                    kernel.pointer(x).pointer(y).float32(1).int32(n).launch(side, (n + 255) / 256, 256);
                    compute.waitFor(side);
                };
                work.run();
                try (CudaGraph graph = backend.capture("twice", work)) {
                    assertTrue(graph.nodes() >= 2, "nodes: " + graph.nodes());
                    graph.launch(compute);
                    graph.launch(compute);
                    float[] got = gpu.read(x);
                    float[] base = gpu.read(y);
                    for (int i = 0; i < n; i++) {
                        assertEquals(9 * base[i], got[i], 1e-5 * Math.abs(base[i]) + 1e-6, "element " + i);
                    }
                }
                try (CudaEvent a = backend.device().event(); CudaEvent b = backend.device().event()) {
                    a.record(compute);
                    work.run();
                    b.record(compute);
                    b.await();
                    assertTrue(b.millisecondsSince(a) > 0);
                }
                // A capture whose work fails leaves the stream usable.
                assertThrows(IllegalStateException.class, () -> backend.capture("broken", () -> {
                    throw new IllegalStateException("work failed");
                }));
                backend.zero(x);
                assertArrayEquals(new float[n], gpu.read(x));
            }
        }
    }

    @Test
    void libtorchWorksOnTheComputeStreamOfEachThread() throws InterruptedException {
        try (OpenGpu gpu = new OpenGpu(3)) {
            CudaBackend backend = gpu.backend();
            assertEquals(backend.computeStream().handle(), LibTorchStream.current(0));
            long[] seen = new long[1];
            Thread other = new Thread(() -> {
                backend.bind();
                seen[0] = LibTorchStream.current(0);
                LibTorchStream.release(0);
            });
            other.start();
            other.join();
            assertEquals(backend.computeStream().handle(), seen[0]);
        }
    }

    @Test
    void tooMuchMemoryIsOneClearLine() {
        try (OpenGpu gpu = new OpenGpu(4)) {
            gpu.empty("weights", DType.F32, 1 << 20);
            UserError e = assertThrows(
                    UserError.class, () -> gpu.backend().allocate("activations", gpu.backend().device().totalMemory() * 2));
            assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
            assertTrue(
                    e.getMessage().contains("activations") && e.getMessage().contains("weights")
                            && e.getMessage().contains("micro_batch"),
                    e.getMessage());
            assertFalse(e.getMessage().contains("\n"));
            System.out.println(e.getMessage());
            // The GPU is usable afterwards.
            Tensor t = gpu.empty("small", DType.F32, 3);
            Host.put(gpu.backend(), t, 1f, 2, 3);
            assertArrayEquals(new float[] {1, 2, 3}, gpu.read(t));
        }
    }

    @Test
    void aGpuThatIsNotThereIsOneClearLine() {
        UserError e = assertThrows(UserError.class, () -> new CudaBackend(CudaSettings.standard(99), b -> null));
        assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
        assertTrue(e.getMessage().contains("GPU 99"), e.getMessage());
    }
}
