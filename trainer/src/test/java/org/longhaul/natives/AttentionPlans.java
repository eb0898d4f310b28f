package org.longhaul.natives;

import java.util.List;
import java.util.Locale;
import org.longhaul.natives.AttentionGraphs.Documents;
import org.longhaul.ops.AttentionShape;

/**
 * Lets cuDNN make its plans for attention on GPUs that are not there, kernels compiled and all. Prints a line each: GPU, pass, documents,
 * shape, and the bytes of scratch and workspace together or why there is no plan. Needs cuDNN 9.11 and a driver, which may have no device.
 */
final class AttentionPlans {
    private static final String GPU = """
            {"cudaDeviceId":0,"deviceName":"%s","deviceVer":%d,"driverVer":13000,"multiProcessorCount":%d,"maxSharedMemoryPerBlockOptin":%d,
            "maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,"warpSize":32,
            "maxSharedMemoryPerBlock":49152,"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"maxCtasPerSM":32,
            "maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"pciDeviceId":9013,"isTccDriver":0,"supportCoopLaunch":1,
            "smClockRateKHz":1980000,"memClockRateKHz":3201000,"l2CacheSize":62914560,"totalGlobalMem":150754820096}""";

    private static final AttentionShape[] SHAPES = {
        new AttentionShape(4, 4096, 16, 16, 128), new AttentionShape(16, 2048, 12, 12, 64), new AttentionShape(2, 4096, 64, 8, 128)
    };

    private AttentionPlans() {}

    public static void main(String[] none) {
        CudnnApi.require();
        plans("H200", gpu("NVIDIA H200", 900, 132, 232_448), SHAPES);
        plans("B200", gpu("NVIDIA B200", 1000, 148, 232_448), SHAPES[2]);
    }

    private static String gpu(String name, int version, int multiprocessors, int sharedMemory) {
        return String.format(Locale.ROOT, GPU, name, version, multiprocessors, sharedMemory);
    }

    private static void plans(String gpu, String properties, AttentionShape... shapes) {
        for (AttentionShape s : shapes) {
            for (Documents documents : Documents.values()) {
                print(gpu, "forward", documents, s, properties, AttentionGraphs.forward(s, documents), false);
                print(gpu, "backward", documents, s, properties, AttentionGraphs.backward(s, false, documents), false);
                if (documents != Documents.RUNS) {
                    print(gpu, "ordered", documents, s, properties, AttentionGraphs.backward(s, true, documents), true);
                }
            }
        }
    }

    private static void print(
            String gpu, String pass, Documents documents, AttentionShape s, String properties, AttentionGraphs.Built built, boolean ordered) {
        String answer;
        try (CudnnGraph g = built.graph()) {
            g.planFor(g.properties(properties), pass, ordered);
            long bytes = g.workspaceBytes() + built.scratchBytes();
            answer = bytes + " " + CudnnAttention.scratchBytes(s, ordered, documents == Documents.RUNS);
        } catch (NativeException e) {
            answer = "none: " + e.getMessage().replace('\n', ' ');
        }
        System.out.println(String.join(" ", List.of("plan", gpu, pass, documents.toString(), s.heads() + "/" + s.kvHeads(), answer)));
    }
}
