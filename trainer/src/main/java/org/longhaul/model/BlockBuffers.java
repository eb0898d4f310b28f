package org.longhaul.model;

import java.util.function.Function;
import org.longhaul.tensor.Tensor;

/**
 * What one pass over one block reads and writes. T are all tokens of the micro-batch, L this rank's share of them; D model
 * width; Q, A, F this rank's widths of the packed projection, the attention output and the feed-forward layer. A "local" view is
 * this rank's share within the buffer of all tokens, or a buffer apart where the share is not consecutive.
 *
 * @param x1 [L,D] the block's input
 * @param rstd1 [L] of the first norm
 * @param n1 [T,D] first norm's output, gathered
 * @param n1Local [L,D] where this rank writes it
 * @param qkv [T,Q] rotated projections
 * @param attention [T,A]
 * @param lse attention's log-sum-exp
 * @param x2 [L,D] after attention
 * @param rstd2 [L] of the second norm
 * @param n2 [T,D] second norm's output, gathered
 * @param n2Local [L,D] where this rank writes it
 * @param gateUp [T,2F]
 * @param h [T,F]
 * @param wide [T,D] partial sums of a row-split product
 * @param wideLocal [L,D] where their sum arrives
 * @param documents where documents begin in the sequences, null where a sequence is one document
 */
record BlockBuffers(
        Tensor x1, Tensor rstd1, Tensor n1, Tensor n1Local, Tensor qkv, Tensor attention, Tensor lse, Tensor x2, Tensor rstd2,
        Tensor n2, Tensor n2Local, Tensor gateUp, Tensor h, Tensor wide, Tensor wideLocal, Tensor documents) {
    /** Views found by buffer name; {@code find} answers null for what is not planned: local buffers apart, documents. */
    static BlockBuffers of(Function<String, Tensor> find, BatchShape shape) {
        Tensor n1 = find.apply("n1");
        Tensor n2 = find.apply("n2");
        Tensor wide = find.apply("wide");
        return new BlockBuffers(
                find.apply("x1"), find.apply("rstd1"), n1, local(find.apply("n1_local"), n1, shape), find.apply("qkv"), find.apply("attention"),
                find.apply("lse"), find.apply("x2"), find.apply("rstd2"), n2, local(find.apply("n2_local"), n2, shape), find.apply("gate_up"),
                find.apply("h"), wide, local(find.apply("wide_local"), wide, shape), find.apply("documents"));
    }

    /** This rank's rows of a buffer of all tokens: a buffer apart where there is one, in a group of one the buffer itself. */
    static Tensor local(Tensor apart, Tensor all, BatchShape shape) {
        if (apart != null) {
            return apart;
        }
        return shape.tensorSize() == 1 ? all : all.rows(shape.firstLocal(), shape.endLocal());
    }
}
