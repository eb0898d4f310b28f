package org.longhaul.profile;

import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.Tensor;

/** The bytes that an operation has to move between device memory and chip, read and written ones together; what caches save is not taken off. */
final class Traffic {
    private Traffic() {}

    /** By the operation's name in {@code Ops} and its arguments. */
    static double bytes(String name, Object[] arguments) {
        return switch (name) {
            // In place: read and written.
            case "rescaleSums" -> 2.0 * tensor(arguments, 0).bytes();
            case "rope" -> rotated(tensor(arguments, 0), arguments);
            case "crossEntropy", "crossEntropyFromStatistics" -> each(arguments) + tensor(arguments, 1).bytes();
            // The rows of the tokens, not the table.
            case "embedding" -> 2.0 * tensor(arguments, 0).bytes() + tensor(arguments, 2).bytes();
            case "embeddingBackward" -> {
                Tensor table = tensor(arguments, 0);
                Tensor gradient = tensor(arguments, 1);
                double rows = Math.min(table.size(0), gradient.size(0));
                yield gradient.bytes() + 2 * rows * table.bytes() / table.size(0) + tensor(arguments, 2).bytes();
            }
            // Master weights and both moments are read and written.
            case "adamW" -> each(arguments) + tensor(arguments, 1).bytes() + tensor(arguments, 3).bytes() + tensor(arguments, 4).bytes();
            default -> each(arguments);
        };
    }

    private static double rotated(Tensor qkv, Object[] arguments) {
        AttentionShape s = (AttentionShape) arguments[arguments.length - 1];
        return 2.0 * qkv.bytes() * (s.heads() + s.kvHeads()) / (s.heads() + 2.0 * s.kvHeads());
    }

    private static Tensor tensor(Object[] arguments, int index) {
        return (Tensor) arguments[index];
    }

    private static double each(Object[] arguments) {
        double sum = 0;
        for (Object a : arguments) {
            if (a instanceof Tensor t) {
                sum += t.bytes();
            }
        }
        return sum;
    }
}
