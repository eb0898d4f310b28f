package org.longhaul.model;

import java.util.List;
import org.longhaul.tensor.Tensor;

/**
 * One local parameter buffer of a rank and the global boxes it holds. Packed buffers (queries, keys and values; gate and
 * up) hold several boxes, one after the other by rows.
 *
 * @param name the local buffer, for instance {@code layers.3.qkv}
 * @param shape local shape
 * @param ones initial value one (norm weights); otherwise normal with the model's init_std
 * @param boxes the parts, in row order; together exactly the buffer
 */
public record ParameterSpec(String name, long[] shape, boolean ones, List<Box> boxes) {
    /** Checks that the boxes fill the buffer. */
    public ParameterSpec {
        boxes = List.copyOf(boxes);
        long n = boxes.stream().mapToLong(Box::elements).sum();
        if (n != Tensor.elements(shape)) {
            throw new IllegalArgumentException(name + ": boxes hold " + n + " elements, the buffer " + Tensor.elements(shape));
        }
    }

    /** Number of local elements. */
    public long elements() {
        return Tensor.elements(shape);
    }
}
