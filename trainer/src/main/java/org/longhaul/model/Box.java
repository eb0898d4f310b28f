package org.longhaul.model;

import java.util.Arrays;
import org.longhaul.tensor.Tensor;

/**
 * A rectangular part of a named global tensor: what one rank holds of it. Checkpoints, resharding, initialisation and
 * layout comparison all speak of boxes, so that no layout is special.
 *
 * @param tensor the global tensor's name, as in Hugging Face Llama: {@code model.layers.3.self_attn.q_proj.weight}
 * @param globalShape its whole shape
 * @param offset first index of the box in each dimension
 * @param extent size of the box in each dimension
 */
public record Box(String tensor, long[] globalShape, long[] offset, long[] extent) {
    /** Checks that the box lies inside. */
    public Box {
        if (globalShape.length != offset.length || offset.length != extent.length) {
            throw new IllegalArgumentException(tensor + ": ranks differ");
        }
        for (int i = 0; i < offset.length; i++) {
            if (offset[i] < 0 || extent[i] < 0 || offset[i] + extent[i] > globalShape[i]) {
                throw new IllegalArgumentException(tensor + ": box at " + Arrays.toString(offset) + " of "
                        + Arrays.toString(extent) + " leaves " + Arrays.toString(globalShape));
            }
        }
    }

    /** The whole tensor. */
    public static Box whole(String tensor, long... shape) {
        return new Box(tensor, shape.clone(), new long[shape.length], shape.clone());
    }

    /** Number of elements inside. */
    public long elements() {
        return Tensor.elements(extent);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Box b && tensor.equals(b.tensor) && Arrays.equals(globalShape, b.globalShape)
                && Arrays.equals(offset, b.offset) && Arrays.equals(extent, b.extent);
    }

    @Override
    public int hashCode() {
        return 31 * tensor.hashCode() + Arrays.hashCode(offset);
    }

    @Override
    public String toString() {
        return tensor + Arrays.toString(offset) + "+" + Arrays.toString(extent) + " of " + Arrays.toString(globalShape);
    }
}
