package org.longhaul.natives;

import com.sun.jna.Memory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Algorithms that the library did not propose for a shape: a good one with one of its settings (tile, stages, cluster, custom option)
 * taken from another proposal, or the other order of the blocks. What the library's own check refuses is left out.
 */
final class GemmVariants {
    private static final int[] SETTINGS = {
        CublasLtApi.CONFIG_CLUSTER, CublasLtApi.CONFIG_SWIZZLE, CublasLtApi.CONFIG_TILE, CublasLtApi.CONFIG_STAGES, CublasLtApi.CONFIG_CUSTOM
    };

    private final GemmPlan plan;
    private final long handle;
    private final long workspaceBytes;

    GemmVariants(GemmPlan plan, long handle, long workspaceBytes) {
        this.plan = plan;
        this.handle = handle;
        this.workspaceBytes = workspaceBytes;
    }

    /** An algorithm and what was changed. */
    record Variant(int parent, String change, byte[] algorithm) {}

    /** Up to {@code most} variants of the parents, theirs in turn; {@code proposals} give the settings. */
    List<Variant> of(List<byte[]> parents, List<byte[]> proposals, int most) {
        Map<Integer, TreeSet<Integer>> values = new LinkedHashMap<>();
        for (int setting : SETTINGS) {
            TreeSet<Integer> seen = new TreeSet<>();
            proposals.forEach(p -> {
                Integer value = get(p, setting);
                if (value != null) {
                    seen.add(value);
                }
            });
            if (setting == CublasLtApi.CONFIG_SWIZZLE && !seen.isEmpty()) {
                seen.addAll(List.of(0, 1));
            }
            values.put(setting, seen);
        }
        TreeSet<byte[]> known = new TreeSet<>(Arrays::compare);
        known.addAll(proposals);
        List<Variant> found = new ArrayList<>();
        values.forEach((setting, seen) -> seen.forEach(value -> {
            for (int p = 0; p < parents.size() && found.size() < most; p++) {
                byte[] changed = with(parents.get(p), setting, value);
                if (changed != null && known.add(changed) && plan.accepts(handle, changed, workspaceBytes)) {
                    found.add(new Variant(p, name(setting) + " " + value, changed));
                }
            }
        }));
        return found;
    }

    private static String name(int setting) {
        return switch (setting) {
            case CublasLtApi.CONFIG_TILE -> "tile";
            case CublasLtApi.CONFIG_STAGES -> "stages";
            case CublasLtApi.CONFIG_CLUSTER -> "cluster";
            case CublasLtApi.CONFIG_SWIZZLE -> "swizzle";
            default -> "option";
        };
    }

    private static int bytes(int setting) {
        return setting == CublasLtApi.CONFIG_CLUSTER ? Short.BYTES : Integer.BYTES;
    }

    // Null where the algorithm has no such setting.
    private static Integer get(byte[] algorithm, int setting) {
        try (Memory algo = copy(algorithm); Memory value = new Memory(8); Memory written = new Memory(8)) {
            value.clear();
            int status = CublasLtApi.cublasLtMatmulAlgoConfigGetAttribute(algo, setting, value, bytes(setting), written);
            return status == 0 ? (Integer) value.getInt(0) : null;
        }
    }

    private static byte[] with(byte[] algorithm, int setting, int number) {
        try (Memory algo = copy(algorithm); Memory value = new Memory(8)) {
            value.setLong(0, number);
            int status = CublasLtApi.cublasLtMatmulAlgoConfigSetAttribute(algo, setting, value, bytes(setting));
            return status == 0 ? algo.getByteArray(0, algorithm.length) : null;
        }
    }

    private static Memory copy(byte[] algorithm) {
        Memory memory = new Memory(algorithm.length);
        memory.write(0, algorithm, 0, algorithm.length);
        return memory;
    }
}
