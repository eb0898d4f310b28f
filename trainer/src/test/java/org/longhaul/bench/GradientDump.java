package org.longhaul.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.model.Recompute;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/**
 * On a GPU: weights and data of a benchmark shape, and the gradients of one micro-batch in BF16 and in F32, for
 * {@code scripts/parity/torch_gradient.py}. Arguments: FOLDER SHAPE [micro-batch].
 */
public final class GradientDump {
    private GradientDump() {}

    /** See the class. */
    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        BenchShape shape = BenchShape.of(arguments[1]).orElseThrow(() -> new IllegalArgumentException("no shape " + arguments[1]));
        if (arguments.length > 2) {
            shape = shape.with(Integer.parseInt(arguments[2]));
        }
        for (DType type : List.of(DType.BF16, DType.F32)) {
            try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0).computing(type), CudaOps::new);
                    BenchStep step = new BenchStep(backend, shape, Recompute.NONE, 8192, false)) {
                step.initialise(7);
                step.save(folder.resolve("start.bin"));
                step.gradients();
                try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(folder.resolve("gradients-" + type + ".bin")), 1 << 20)) {
                    for (var p : step.store().layout().parameters()) {
                        float[] values = Host.floats(backend, step.store().gradient(p.name()));
                        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
                        bytes.asFloatBuffer().put(values);
                        out.write(bytes.array());
                    }
                }
                System.out.println(type + " loss " + step.loss() * shape.accumulate());
            }
        }
        System.exit(0);
    }
}
