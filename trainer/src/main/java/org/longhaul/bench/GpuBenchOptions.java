package org.longhaul.bench;

import java.nio.file.Path;
import org.longhaul.model.Recompute;

/**
 * How our side of the benchmark runs.
 *
 * @param steps measured steps
 * @param warmup steps before them
 * @param graph whether micro-batches are launched as CUDA graphs
 * @param recompute what the backward computes again
 * @param lossChunk tokens of a chunk of the loss head
 * @param seed of weights and data
 * @param fp8 whether the decoder layers multiply in 8-bit floats
 * @param profile folder of profiles, or null for none
 */
record GpuBenchOptions(int steps, int warmup, boolean graph, Recompute recompute, long lossChunk, long seed, boolean fp8, Path profile) {}
