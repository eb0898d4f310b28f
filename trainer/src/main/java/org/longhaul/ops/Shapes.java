package org.longhaul.ops;

import java.util.Arrays;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Checks of operands before native code sees them; messages name the tensors. */
final class Shapes {
    private Shapes() {}

    static void linear(Tensor y, Tensor x, Tensor w) {
        require(y.rank() == 2 && x.rank() == 2 && w.rank() == 2 && y.size(0) == x.size(0) && y.size(1) == w.size(0)
                && x.size(1) == w.size(1), "linear layer of", y, x, w);
    }

    static void embedding(Tensor x, Tensor w, Tensor ids) {
        require(x.rank() == 2 && w.rank() == 2 && x.size(1) == w.size(1) && x.size(0) == ids.elements()
                && ids.dtype() == DType.I32, "embedding of", x, w, ids);
    }

    static void norm(Tensor y, Tensor rstd, Tensor x, Tensor w) {
        same(y, x);
        require(x.rank() == 2 && w.elements() == x.size(1) && rstd.elements() == x.size(0) && rstd.dtype() == DType.F32,
                "norm of", y, rstd, x, w);
    }

    static void attention(Tensor out, Tensor lse, Tensor qkv, AttentionShape shape) {
        require(out.elements() == shape.tokens() * shape.outWidth() && qkv.elements() == shape.tokens() * shape.qkvWidth()
                && lse.elements() == shape.tokens() * shape.heads() && lse.dtype() == DType.F32,
                "attention " + shape + " of", out, lse, qkv);
    }

    static void documents(Tensor documents, AttentionShape shape) {
        require(documents == null || documents.elements() == new DocumentIndex(shape).elements() && documents.dtype() == DType.I32,
                "documents of attention " + shape + ",", documents);
    }

    static void swiglu(Tensor h, Tensor gateUp) {
        require(h.rank() == 2 && gateUp.rank() == 2 && h.size(0) == gateUp.size(0) && 2 * h.size(1) == gateUp.size(1),
                "swiglu of", h, gateUp);
    }

    static void logits(Tensor loss, Tensor logits, Tensor targets) {
        require(logits.rank() == 2 && loss.elements() == logits.size(0) && targets.elements() == logits.size(0)
                && loss.dtype() == DType.F32 && targets.dtype() == DType.I32, "loss of", loss, logits, targets);
    }

    static void same(Tensor a, Tensor b) {
        require(Arrays.equals(a.shape(), b.shape()), "shapes must agree:", a, b);
    }

    static void type(DType type, Tensor a) {
        require(a.dtype() == type, "must be " + type + ":", a);
    }

    private static void require(boolean condition, String what, Tensor... tensors) {
        if (!condition) {
            throw new IllegalArgumentException(what + " " + Arrays.toString(tensors) + " does not fit");
        }
    }
}
