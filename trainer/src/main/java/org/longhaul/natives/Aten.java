package org.longhaul.natives;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import org.longhaul.tensor.DType;

/**
 * Every libtorch function the portable operations are composed of, and nothing else; a site's native part has to provide
 * exactly these. First come operators through the dispatcher of the stable C ABI, then the few natives of DJL's JNI for what
 * that dispatcher of libtorch 2.7 cannot convert (scalars and lists of integers): add, sub, sum and max over a dimension.
 */
public final class Aten {
    private static final Operator MUL_OUT = new Operator("mul", "out", 1);
    private static final Operator MUL_IN_PLACE = new Operator("mul_", "Tensor", 1);
    private static final Operator DIV_IN_PLACE = new Operator("div_", "Tensor", 1);
    private static final Operator RSQRT_OUT = new Operator("rsqrt", "out", 1);
    private static final Operator SQRT_OUT = new Operator("sqrt", "out", 1);
    private static final Operator SQRT_IN_PLACE = new Operator("sqrt_", "", 1);
    private static final Operator EXP_IN_PLACE = new Operator("exp_", "", 1);
    private static final Operator LOG = new Operator("log", "", 1);
    private static final Operator RECIPROCAL_IN_PLACE = new Operator("reciprocal_", "", 1);
    private static final Operator MINIMUM_OUT = new Operator("minimum", "out", 1);
    private static final Operator SILU = new Operator("silu", "", 1);
    private static final Operator SILU_BACKWARD = new Operator("silu_backward", "grad_input", 1);
    private static final Operator LOG_SOFTMAX = new Operator("_log_softmax", "out", 1);
    private static final Operator GATHER = new Operator("gather", "", 1);
    private static final Operator SCATTER_ADD = new Operator("scatter_add_", "", 1);
    private static final Operator INDEX_SELECT = new Operator("index_select", "out", 1);
    private static final Operator GE = new Operator("ge", "Tensor", 1);
    private static final Operator LT = new Operator("lt", "Tensor", 1);
    private static final Operator EQ = new Operator("eq", "Tensor", 1);
    private static final Operator NE = new Operator("ne", "Tensor", 1);
    private static final Operator WHERE = new Operator("where", "self", 1);
    private static final Operator TRIU = new Operator("triu", "", 1);
    private static final Operator CAST = new Operator("to", "dtype", 1);
    private static final Operator CPU_ATTENTION = new Operator("_scaled_dot_product_flash_attention_for_cpu", "", 2);
    private static final Operator CPU_ATTENTION_BACKWARD =
            new Operator("_scaled_dot_product_flash_attention_for_cpu_backward", "", 3);

    private final Scope scope;

    /** Operations whose results belong to the scope. */
    public Aten(Scope scope) {
        this.scope = scope;
    }

    // ---- matrix products: direct entries of the C ABI ----

    /** out = a · b, matrices of one type. */
    public void mm(NDArray out, NDArray a, NDArray b) {
        LibTorch.run("mm", () -> LibTorch.aoti_torch_mm_out(Scope.handle(out), Scope.handle(a), Scope.handle(b)));
    }

    /** out = a · b, one product for each first index. */
    public void bmm(NDArray out, NDArray a, NDArray b) {
        LibTorch.run("bmm", () -> LibTorch.aoti_torch_bmm_out(Scope.handle(out), Scope.handle(a), Scope.handle(b)));
    }

    /** out += a · b. */
    public void addmm(NDArray out, NDArray a, NDArray b) {
        long o = Scope.handle(out);
        LibTorch.run("addmm", () -> LibTorch.aoti_torch_addmm_out(o, o, Scope.handle(a), Scope.handle(b), 1, 1));
    }

    /** out = c + a · b; out may be c. */
    public void addmm(NDArray out, NDArray c, NDArray a, NDArray b) {
        LibTorch.run("addmm", () -> LibTorch.aoti_torch_addmm_out(Scope.handle(out), Scope.handle(c), Scope.handle(a), Scope.handle(b), 1, 1));
    }

    /** Copies with conversion and broadcasting. */
    public void copy(NDArray destination, NDArray source) {
        LibTorch.run("copy", () -> LibTorch.aoti_torch_copy_(Scope.handle(destination), Scope.handle(source), 0));
    }

    // ---- elementwise, broadcasting; outputs may be inputs ----

    /** out = a · b in F32, rounded to out's type. */
    public void mul(NDArray out, NDArray a, NDArray b) {
        run(MUL_OUT, a, b, out);
    }

    /** x *= b. */
    public void muli(NDArray x, NDArray b) {
        run(MUL_IN_PLACE, x, b);
    }

    /** x /= b. */
    public void divi(NDArray x, NDArray b) {
        run(DIV_IN_PLACE, x, b);
    }

    /** out = 1/√x. */
    public void rsqrt(NDArray out, NDArray x) {
        run(RSQRT_OUT, x, out);
    }

    /** out = √x. */
    public void sqrt(NDArray out, NDArray x) {
        run(SQRT_OUT, x, out);
    }

    /** x = √x. */
    public void sqrti(NDArray x) {
        run(SQRT_IN_PLACE, x);
    }

    /** x = eˣ. */
    public void expi(NDArray x) {
        run(EXP_IN_PLACE, x);
    }

    /** Natural logarithm. */
    public NDArray log(NDArray x) {
        return result(LOG, x);
    }

    /** x = 1/x. */
    public void reciprocali(NDArray x) {
        run(RECIPROCAL_IN_PLACE, x);
    }

    /** out = the smaller of a and b. */
    public void minimum(NDArray out, NDArray a, NDArray b) {
        run(MINIMUM_OUT, a, b, out);
    }

    /** x · sigmoid(x). */
    public NDArray silu(NDArray x) {
        return result(SILU, x);
    }

    /** out = dy times the derivative of silu at x. */
    public void siluBackward(NDArray out, NDArray dy, NDArray x) {
        run(SILU_BACKWARD, dy, x, out);
    }

    /** a ≥ b. */
    public NDArray ge(NDArray a, NDArray b) {
        return result(GE, a, b);
    }

    /** a &lt; b. */
    public NDArray lt(NDArray a, NDArray b) {
        return result(LT, a, b);
    }

    /** a = b. */
    public NDArray eq(NDArray a, NDArray b) {
        return result(EQ, a, b);
    }

    /** a ≠ b. */
    public NDArray ne(NDArray a, NDArray b) {
        return result(NE, a, b);
    }

    /** Where the condition holds a, else b. */
    public NDArray where(NDArray condition, NDArray a, NDArray b) {
        return result(WHERE, condition, a, b);
    }

    /** The part on and above the given diagonal, zero below. */
    public NDArray triu(NDArray x, long diagonal) {
        return result(TRIU, x, diagonal);
    }

    /** In another type; the array itself when it has that type. */
    public NDArray to(NDArray x, DType dtype) {
        return result(CAST, x, (long) Scope.code(dtype), false, false, null);
    }

    // ---- rows and columns ----

    /** out = log softmax over the last dimension of a matrix; out may be x. */
    public void logSoftmax(NDArray out, NDArray x) {
        run(LOG_SOFTMAX, x, 1L, false, out);
    }

    /** out[i,j] = x[i, index[i,j]]; index I64. */
    public NDArray gather(NDArray x, NDArray index) {
        return result(GATHER, x, 1L, index, false);
    }

    /** x[index[i,j], j] += source[i,j] (dimension 0) or x[i, index[i,j]] += source[i,j] (dimension 1); index I64. */
    public void scatterAdd(NDArray x, int dimension, NDArray index, NDArray source) {
        run(SCATTER_ADD, x, (long) dimension, index, source);
    }

    /** out[i,:] = x[index[i],:]. */
    public void indexSelect(NDArray out, NDArray x, NDArray index) {
        run(INDEX_SELECT, x, 0L, index, out);
    }

    // ---- CPU attention; q, k, v, out [B,H,S,headDim], as many key/value heads as query heads ----

    /** Causal attention: out, lse[B,H,S]. */
    public NDArray[] cpuAttention(NDArray q, NDArray k, NDArray v) {
        return call(CPU_ATTENTION, q, k, v, 0.0, true, null, null);
    }

    /** dq, dk, dv of {@link #cpuAttention}. */
    public NDArray[] cpuAttentionBackward(NDArray dout, NDArray q, NDArray k, NDArray v, NDArray out, NDArray lse) {
        return call(CPU_ATTENTION_BACKWARD, dout, q, k, v, out, lse, 0.0, true, null, null);
    }

    // ---- natives of DJL's JNI ----

    /** a + b. */
    public NDArray add(NDArray a, NDArray b) {
        return JniUtils.add((PtNDArray) a, (PtNDArray) b);
    }

    /** x += b. */
    public void addi(NDArray x, NDArray b) {
        JniUtils.addi((PtNDArray) x, (PtNDArray) b);
    }

    /** a − b. */
    public NDArray sub(NDArray a, NDArray b) {
        return JniUtils.sub((PtNDArray) a, (PtNDArray) b);
    }

    /** x −= b. */
    public void subi(NDArray x, NDArray b) {
        JniUtils.subi((PtNDArray) x, (PtNDArray) b);
    }

    /** a · b. */
    public NDArray mul(NDArray a, NDArray b) {
        return JniUtils.mul((PtNDArray) a, (PtNDArray) b);
    }

    /** Sum over one dimension. */
    public NDArray sum(NDArray x, int dimension, boolean keep) {
        return JniUtils.sum((PtNDArray) x, new long[] {dimension}, keep);
    }

    /** Maximum over one dimension, which stays with extent 1. */
    public NDArray max(NDArray x, int dimension) {
        return JniUtils.max((PtNDArray) x, dimension, true);
    }

    // ---- dispatcher ----

    private void run(Operator operator, Object... arguments) {
        Memory stack = dispatch(operator, arguments);
        for (int i = 0; i < operator.results; i++) {
            LibTorch.aoti_torch_delete_tensor_object(stack.getLong(8L * i));
        }
    }

    private NDArray result(Operator operator, Object... arguments) {
        return call(operator, arguments)[0];
    }

    private NDArray[] call(Operator operator, Object... arguments) {
        Memory stack = dispatch(operator, arguments);
        NDArray[] results = new NDArray[operator.results];
        for (int i = 0; i < results.length; i++) {
            results[i] = scope.wrap(stack.getLong(8L * i));
        }
        return results;
    }

    private static Memory dispatch(Operator operator, Object... arguments) {
        int status = enqueue(operator, arguments);
        if (status != 0) {
            StringBuilder shapes = new StringBuilder();
            for (Object a : arguments) {
                shapes.append(' ').append(a instanceof NDArray x ? x.getShape().toString() : String.valueOf(a));
            }
            throw LibTorch.failure(status, operator + " of" + shapes, () -> enqueue(operator, arguments));
        }
        return LibTorch.stack();
    }

    private static int enqueue(Operator operator, Object... arguments) {
        Memory stack = LibTorch.stack();
        Memory out = LibTorch.out();
        for (int i = 0; i < arguments.length; i++) {
            Object a = arguments[i];
            long word;
            if (a instanceof NDArray array) {
                // The call consumes its tensor handles, so each gets a fresh one.
                LibTorch.check(
                        LibTorch.aoti_torch_new_tensor_handle(Scope.handle(array), Pointer.nativeValue(out)), operator.toString());
                word = out.getLong(0);
            } else if (a instanceof Long n) {
                word = n;
            } else if (a instanceof Double d) {
                word = Double.doubleToRawLongBits(d);
            } else if (a instanceof Boolean b) {
                word = b ? 1 : 0;
            } else if (a == null) {
                word = 0;
            } else {
                throw new IllegalArgumentException(operator + ": argument of " + a.getClass());
            }
            stack.setLong(8L * i, word);
        }
        return LibTorch.aoti_torch_call_dispatcher(operator.name, operator.overload, Pointer.nativeValue(stack));
    }

    /** An operator's name and overload as C strings that live as long as the program. */
    private static final class Operator {
        private final String label;
        private final Memory text;
        private final long name;
        private final long overload;
        private final int results;

        Operator(String name, String overload, int results) {
            this.label = overload.isEmpty() ? name : name + "." + overload;
            byte[] n = ("aten::" + name + "\0").getBytes(StandardCharsets.US_ASCII);
            byte[] o = (overload + "\0").getBytes(StandardCharsets.US_ASCII);
            this.text = new Memory(n.length + o.length);
            text.write(0, n, 0, n.length);
            text.write(n.length, o, 0, o.length);
            this.name = Pointer.nativeValue(text);
            this.overload = this.name + n.length;
            this.results = results;
        }

        @Override
        public String toString() {
            return label;
        }
    }
}
