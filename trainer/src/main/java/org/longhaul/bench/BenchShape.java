package org.longhaul.bench;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.longhaul.model.ModelConfig;

/**
 * One line of the benchmark.
 *
 * @param name as on the command line
 * @param peerShape the peer script's name of the model
 * @param model the decoder
 * @param microBatch sequences of a micro-batch
 * @param accumulate micro-batches of a step
 */
record BenchShape(String name, String peerShape, ModelConfig model, int microBatch, int accumulate) {
    private static final int VOCABULARY = 102_400;

    /** 7b8 is 8 of 7B's 30 layers, 67b2 is 2 of 67B's 95: what fits one GPU with the whole width. */
    static final List<BenchShape> ALL = List.of(
            shape("160m", "160m", 12, 768, 12, 12, 2048, 2048, 16, 1),
            shape("1b", "1b", 24, 2048, 16, 16, 5504, 4096, 4, 1),
            shape("7b8", "7b8", 8, 4096, 32, 32, 11_008, 4096, 2, 1),
            shape("7b8x8acc", "7b8", 8, 4096, 32, 32, 11_008, 4096, 2, 8),
            shape("67b2", "67b2", 2, 8192, 64, 8, 22_016, 4096, 2, 1));

    /** A shape of tests: seconds on any GPU. */
    static final BenchShape SMALL = shape("small", "small", 2, 256, 4, 2, 768, 256, 2, 2);

    /** For rehearsals without a GPU; the peer knows its model as 60m. */
    static final BenchShape DRY =
            new BenchShape("dry", "60m", new ModelConfig(8, 512, 8, 8, 1376, 1000, 32, 10_000, 1e-6, 0.006), 2, 1);

    private static BenchShape shape(
            String name, String peer, int layers, int width, int heads, int kvHeads, int ffn, int sequence, int micro, int accumulate) {
        return new BenchShape(
                name, peer, new ModelConfig(layers, width, heads, kvHeads, ffn, VOCABULARY, sequence, 10_000, 1e-6, 0.006), micro,
                accumulate);
    }

    static Optional<BenchShape> of(String name) {
        return Stream.concat(ALL.stream(), Stream.of(SMALL, DRY)).filter(s -> s.name.equals(name)).findFirst();
    }

    /** The same model with other micro-batches. */
    BenchShape with(int sequences) {
        return new BenchShape(name, peerShape, model, sequences, accumulate);
    }

    long tokensPerMicroBatch() {
        return (long) microBatch * model.context();
    }

    long tokensPerStep() {
        return tokensPerMicroBatch() * accumulate;
    }

    /** FLOPs per token by the DeepSeek LLM paper's count, 72·L·d² + 12·L·d·s: attention as if every position saw every other. */
    double bodyFlops() {
        double d = model.dModel();
        return 72.0 * model.layers() * d * d + 12.0 * model.layers() * d * model.context();
    }

    /** FLOPs per token of the output head, 6·d·V. */
    double headFlops() {
        return 6.0 * model.dModel() * model.vocab();
    }

    /** Model TFLOP/s with the head at a speed. */
    double teraflops(double tokensPerSecond) {
        return tokensPerSecond * (bodyFlops() + headFlops()) / 1e12;
    }
}
