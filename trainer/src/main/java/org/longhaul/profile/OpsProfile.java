package org.longhaul.profile;

import java.io.Closeable;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/** Times every operation of a training step on the device, with the work it did, while it is switched on. */
public final class OpsProfile implements AutoCloseable {
    /** What a time is counted as. */
    public enum Kind {
        /** Linear layers. */
        GEMM("matrix products"),
        /** Scores, softmax and values. */
        ATTENTION("attention"),
        /** What only moves bytes. */
        ELEMENTWISE("norms, rotary, SwiGLU, embedding"),
        /** Cross-entropy. */
        LOSS("loss"),
        /** Norm, clipping and update. */
        OPTIMIZER("optimizer"),
        /** Collectives and messages among ranks. */
        COMMUNICATION("communication");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        /** For people. */
        public String label() {
            return label;
        }
    }

    /**
     * One operation's run.
     *
     * @param flops multiplications and additions, for matrix products and (causal) attention; else 0
     * @param bytes read and written, for the rest; else 0
     */
    public record Span(String name, Kind kind, double startMs, double endMs, double flops, double bytes) {
        /** How long it took. */
        public double ms() {
            return endMs - startMs;
        }
    }

    private record Run(String name, Kind kind, int start, int end, double flops, double bytes) {}

    private final List<Run> runs = new ArrayList<>();
    private Marks marks;
    private Stream stream;

    /** The same operations, timed while the profile is on. */
    public Ops watch(Ops target) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            if (marks == null || method.getReturnType() != void.class || method.getDeclaringClass() != Ops.class) {
                Object result = call(target, method, arguments);
                return result instanceof Ops other ? watch(other) : result;
            }
            int start = marks.mark(stream);
            call(target, method, arguments);
            runs.add(new Run(
                    method.getName(), kind(method.getName()), start, marks.mark(stream), flops(method.getName(), arguments),
                    Traffic.bytes(method.getName(), arguments)));
            return null;
        };
        Class<?>[] types = target instanceof Closeable ? new Class<?>[] {Ops.class, Closeable.class} : new Class<?>[] {Ops.class};
        return (Ops) Proxy.newProxyInstance(OpsProfile.class.getClassLoader(), types, handler);
    }

    private static Object call(Ops target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** Starts timing work on a stream; {@link #off} closes the marks. */
    public void on(Marks with, Stream operations) {
        marks = with;
        stream = operations;
        marks.mark(stream);
    }

    /** What ran since {@link #on}, in order, the times being those of the marks. */
    List<Span> spans(double[] t) {
        List<Span> spans = new ArrayList<>();
        for (Run r : runs) {
            spans.add(new Span(r.name, r.kind, t[r.start], t[r.end], r.flops, r.flops > 0 ? 0 : r.bytes));
        }
        return spans;
    }

    /** Ends timing and answers what ran, in order. */
    public List<Span> off() {
        marks.mark(stream);
        double[] t = marks.milliseconds();
        List<Span> spans = spans(t);
        spans.add(new Span("end", Kind.OPTIMIZER, t[t.length - 1], t[t.length - 1], 0, 0));
        close();
        return spans;
    }

    private static Kind kind(String name) {
        if (name.startsWith("linear")) {
            return Kind.GEMM;
        }
        if (name.startsWith("attention") || name.startsWith("cachedAttention")) {
            return Kind.ATTENTION;
        }
        if (name.startsWith("crossEntropy") || name.equals("rescaleSums") || name.equals("sum")) {
            return Kind.LOSS;
        }
        return switch (name) {
            case "sumOfSquares", "clipFactor", "adamW", "cast" -> Kind.OPTIMIZER;
            default -> Kind.ELEMENTWISE;
        };
    }

    private static double flops(String name, Object[] arguments) {
        return switch (name) {
            case "linear" -> 2.0 * tensor(arguments, 0).elements() * tensor(arguments, 1).size(-1);
            case "linearBackwardInput" -> 2.0 * tensor(arguments, 1).elements() * tensor(arguments, 2).size(-1);
            case "linearBackwardWeight" -> 2.0 * tensor(arguments, 1).elements() * tensor(arguments, 2).size(-1);
            case "attention" -> causal(arguments);
            case "attentionBackward" -> 2.5 * causal(arguments);
            default -> 0;
        };
    }

    private static Tensor tensor(Object[] arguments, int index) {
        return (Tensor) arguments[index];
    }

    private static double causal(Object[] arguments) {
        AttentionShape s = (AttentionShape) arguments[arguments.length - 1];
        return 2.0 * s.batch() * s.heads() * s.sequence() * (double) s.sequence() * s.headDim();
    }

    @Override
    public void close() {
        runs.clear();
        if (marks != null) {
            marks.close();
            marks = null;
        }
    }
}
