package org.longhaul.natives;

import org.longhaul.tensor.DType;

/**
 * What decides which algorithm multiplies fastest: D[m,n] = op(A) · op(B) (+ C), row-major, C and D of one type.
 *
 * @param m rows of the result
 * @param n columns of the result
 * @param k length of the products
 * @param transposeA A is stored [k,m], else [m,k]
 * @param transposeB B is stored [n,k], else [k,n]
 * @param alignment smallest alignment of the addresses in bytes, at most 256
 * @param addend what is added to the product
 * @param scaled whether the operands carry scales (fp8)
 * @param rowScales whether those are one for each row of A and column of the result, else one for each operand
 */
record GemmShape(
        long m, long n, long k, boolean transposeA, boolean transposeB, DType a, DType b, DType c, int alignment, Addend addend,
        boolean scaled, boolean rowScales) {

    /** C: nothing, what D holds already, or another matrix. */
    enum Addend {
        NONE(""),
        RESULT("-acc"),
        OTHER("-add");

        private final String mark;

        Addend(String mark) {
            this.mark = mark;
        }
    }

    /** A name that is also a file name. */
    String key() {
        return "m" + m + "-n" + n + "-k" + k + "-" + (transposeA ? "t" : "n") + (transposeB ? "t" : "n") + "-" + a + "-" + b + "-" + c
                + "-a" + alignment + addend.mark + (scaled ? rowScales ? "-rows" : "-scaled" : "");
    }

    double flops() {
        return 2.0 * m * n * k;
    }
}
