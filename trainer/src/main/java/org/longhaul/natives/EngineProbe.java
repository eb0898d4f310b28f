package org.longhaul.natives;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.LibUtils;
import org.longhaul.error.UserError;

/**
 * Loads libtorch, multiplies two small matrices and says in one line what it found. Runs in a process of its own, because a libtorch that
 * does not fit ends the process that loads it.
 */
final class EngineProbe {
    /** Marks the line that the starter looks for. */
    static final String ANSWER = "libtorch: ";

    private EngineProbe() {}

    public static void main(String[] args) {
        try {
            LibTorch.load();
        } catch (UserError e) {
            System.err.println("Error: " + e.getMessage());
            System.exit(e.exitCode().status());
        }
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
        String version = TorchSite.detect().map(TorchSite::version).filter(v -> !v.isEmpty()).orElse(engine.getVersion());
        System.out.println(ANSWER + version + " at " + LibUtils.getLibtorchPath() + ", computes; " + engine.getGpuCount() + " GPUs visible to it");
        // Engine threads must not keep the process.
        System.exit(0);
    }
}
