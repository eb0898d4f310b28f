package org.longhaul.natives;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.LibUtils;

/**
 * Loads libtorch, multiplies two small matrices and says in one line what it found. Runs in a process of its own, because a libtorch that
 * does not fit ends the process that loads it.
 */
final class EngineProbe {
    /** Marks the line that the starter looks for. */
    static final String ANSWER = "libtorch: ";

    private EngineProbe() {}

    public static void main(String[] args) {
        LibTorch.load();
        Engine engine = Engine.getEngine("PyTorch");
        try (NDManager manager = engine.newBaseManager();
                NDArray left = manager.ones(new Shape(3, 4));
                NDArray right = manager.ones(new Shape(4, 2));
                NDArray product = left.matMul(right)) {
            float sum = product.sum().getFloat();
            if (sum != 24f) {
                throw new IllegalStateException("ones(3,4)·ones(4,2) sums to " + sum + " and not to 24");
            }
        }
        System.out.println(ANSWER + engine.getVersion() + " at " + LibUtils.getLibtorchPath() + ", computes; " + engine.getGpuCount() + " GPUs visible to it");
        // Engine threads must not keep the process.
        System.exit(0);
    }
}
