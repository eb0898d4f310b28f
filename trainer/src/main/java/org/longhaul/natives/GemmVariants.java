package org.longhaul.natives;

import com.sun.jna.Memory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Algorithms that the library did not propose for a shape (it names eight for most): a good one with another cluster, order of the
 * blocks or tile, or with the stages or custom option of another proposal. What the library's own check refuses is left out.
 */
final class GemmVariants {
    private static final int[] SETTINGS = {
        CublasLtApi.CONFIG_CLUSTER, CublasLtApi.CONFIG_SWIZZLE, CublasLtApi.CONFIG_STAGES, CublasLtApi.CONFIG_CUSTOM, CublasLtApi.CONFIG_TILE
    };
    /** 1×1, 2×1, 4×1, 1×2, 2×2 and 1×4 blocks. */
    private static final List<Integer> CLUSTERS = List.of(2, 3, 4, 5, 6, 8);
    private static final int MOST_TILES = 1024;

    private final GemmPlan plan;
    private final long handle;
    private final long workspaceBytes;
    private final Map<Integer, TreeSet<Integer>> proposed = new LinkedHashMap<>();
    private final TreeSet<byte[]> known = new TreeSet<>(Arrays::compare);

    /** @param proposals give the settings, and are no variants themselves */
    GemmVariants(GemmPlan plan, long handle, long workspaceBytes, List<byte[]> proposals) {
        this.plan = plan;
        this.handle = handle;
        this.workspaceBytes = workspaceBytes;
        known.addAll(proposals);
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
            if (setting == CublasLtApi.CONFIG_CLUSTER && !seen.isEmpty()) {
                seen.addAll(CLUSTERS);
            }
            proposed.put(setting, seen);
        }
    }

    /** An algorithm and what was changed. */
    record Variant(int parent, String change, byte[] algorithm) {}

    private record Change(int parent, int value) {}

    /**
     * Up to {@code most} variants of the parents, the best of which comes first, that were not given before; settings in turn, so that none is
     * left out for another.
     */
    List<Variant> of(List<byte[]> parents, int most) {
        Map<Integer, Deque<Change>> left = new LinkedHashMap<>();
        proposed.forEach((setting, seen) -> {
            Deque<Change> changes = new ArrayDeque<>();
            for (int p = 0; p < parents.size(); p++) {
                TreeSet<Integer> values = new TreeSet<>(seen);
                if (setting == CublasLtApi.CONFIG_TILE) {
                    values.addAll(tiles(parents.get(p)));
                }
                for (int value : values) {
                    changes.add(new Change(p, value));
                }
            }
            left.put(setting, changes);
        });
        List<Variant> found = new ArrayList<>();
        while (left.values().stream().anyMatch(changes -> !changes.isEmpty())) {
            for (Map.Entry<Integer, Deque<Change>> entry : left.entrySet()) {
                Change change = entry.getValue().poll();
                byte[] changed = change == null ? null : with(parents.get(change.parent), entry.getKey(), change.value);
                if (changed != null && plan.accepts(handle, changed, workspaceBytes) && known.add(changed)) {
                    found.add(new Variant(change.parent, name(entry.getKey()) + " " + change.value, changed));
                    if (found.size() == most) {
                        return found;
                    }
                }
            }
        }
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

    private static List<Integer> tiles(byte[] algorithm) {
        List<Integer> tiles = new ArrayList<>();
        try (Memory algo = copy(algorithm); Memory value = new Memory(MOST_TILES * Integer.BYTES); Memory written = new Memory(8)) {
            written.clear();
            if (CublasLtApi.cublasLtMatmulAlgoCapGetAttribute(algo, CublasLtApi.CAP_TILES, value, value.size(), written) == 0) {
                for (long at = 0; at < Math.min(written.getLong(0), value.size()); at += Integer.BYTES) {
                    tiles.add(value.getInt(at));
                }
            }
        }
        return tiles;
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
