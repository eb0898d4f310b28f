package org.longhaul.natives;

import com.sun.jna.Memory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A small graph of cuDNN operations on four-dimensional tensors, and the plan that a cuDNN engine runs it by. Values inside the
 * graph are virtual: they exist only in the fused kernel.
 */
final class CudnnGraph implements AutoCloseable {
    private static final int MAX_CONFIGS = 16;

    private final List<Long> descriptors = new ArrayList<>();
    private final List<Long> operations = new ArrayList<>();
    private final Memory value = new Memory(64L * Long.BYTES);
    private long ids;
    private long plan;
    private long workspaceBytes;

    /** A tensor of the graph; real ones are bound to addresses by {@code id} when the plan runs. */
    record Node(long descriptor, long id, long[] dims, long[] strides) {}

    /** A tensor in memory; {@code places} [dims[0] + 1], null for none, says how many elements in each first index begins where it does not step evenly. */
    Node real(int type, long[] dims, long[] strides, Node places) {
        return tensor(type, dims, strides, false, false, places);
    }

    /** One float given by the address of host memory. */
    Node scalar() {
        long[] one = {1, 1, 1, 1};
        return tensor(CudnnApi.FLOAT, one, one, false, true, null);
    }

    /** A value inside the graph. */
    Node virtual(int type, long[] dims, long[] strides) {
        return tensor(type, dims, strides, true, false, null);
    }

    private Node tensor(int type, long[] dims, long[] strides, boolean virtual, boolean byValue, Node places) {
        long d = create(CudnnApi.TENSOR);
        long id = ++ids;
        setInt(d, 901, CudnnApi.TYPE_DATA_TYPE, type);
        setLongs(d, 902, CudnnApi.TYPE_INT64, dims);
        setLongs(d, 903, CudnnApi.TYPE_INT64, strides);
        setLongs(d, 906, CudnnApi.TYPE_INT64, id);
        setLongs(d, 900, CudnnApi.TYPE_INT64, 16);
        setBoolean(d, 907, virtual);
        if (byValue) {
            setBoolean(d, 908, true);
        }
        if (places != null) {
            setLongs(d, 913, CudnnApi.TYPE_DESCRIPTOR, places.descriptor);
        }
        finish(d, "tensor");
        return new Node(d, id, dims, strides);
    }

    /** y = mode(x, b), float, shaped like x. */
    Node pointwise(int mode, Node x, Node b) {
        Node y = virtual(CudnnApi.FLOAT, x.dims, x.strides);
        pointwise(mode, CudnnApi.FLOAT, -1, x, b, null, y);
        return y;
    }

    /** y = mode(x, b). */
    void pointwise(int mode, Node x, Node b, Node y) {
        pointwise(mode, CudnnApi.FLOAT, -1, x, b, null, y);
    }

    /** The index along an axis, as an integer. */
    Node index(Node x, int axis) {
        Node y = virtual(CudnnApi.INT32, x.dims, x.strides);
        pointwise(CudnnApi.GEN_INDEX, CudnnApi.FLOAT, axis, x, null, null, y);
        return y;
    }

    /** Whether a ≥ b. */
    Node atLeast(Node a, Node b) {
        return truth(CudnnApi.COMPARE_GE, a, b);
    }

    /** Whether a &lt; b. */
    Node below(Node a, Node b) {
        return truth(CudnnApi.COMPARE_LT, a, b);
    }

    /** Whether both hold. */
    Node both(Node a, Node b) {
        return truth(CudnnApi.LOGICAL_AND, a, b);
    }

    private Node truth(int mode, Node a, Node b) {
        Node y = virtual(CudnnApi.BOOLEAN, a.dims, a.strides);
        pointwise(mode, CudnnApi.BOOLEAN, -1, a, b, null, y);
        return y;
    }

    /** x where the condition holds, else {@code otherwise}. */
    Node select(Node x, Node otherwise, Node condition) {
        Node y = virtual(CudnnApi.FLOAT, x.dims, x.strides);
        pointwise(CudnnApi.SELECT, CudnnApi.FLOAT, -1, x, otherwise, condition, y);
        return y;
    }

    private void pointwise(int mode, int precision, int axis, Node x, Node b, Node condition, Node y) {
        long p = create(CudnnApi.POINTWISE);
        setInt(p, 0, CudnnApi.TYPE_POINTWISE, mode);
        setInt(p, 1, CudnnApi.TYPE_DATA_TYPE, precision);
        if (axis >= 0) {
            setLongs(p, 9, CudnnApi.TYPE_INT64, axis);
        }
        finish(p, "pointwise " + mode);
        long o = create(CudnnApi.OPERATION_POINTWISE);
        setLongs(o, 750, CudnnApi.TYPE_DESCRIPTOR, p);
        setLongs(o, 751, CudnnApi.TYPE_DESCRIPTOR, x.descriptor);
        if (b != null) {
            setLongs(o, 752, CudnnApi.TYPE_DESCRIPTOR, b.descriptor);
        }
        if (condition != null) {
            setLongs(o, 758, CudnnApi.TYPE_DESCRIPTOR, condition.descriptor);
        }
        setLongs(o, 753, CudnnApi.TYPE_DESCRIPTOR, y.descriptor);
        operation(o, "pointwise operation " + mode);
    }

    /**
     * c = a·b over the last two dimensions; heads of b are repeated where it has fewer. Where each first index has its own extents,
     * they are I32 [dims[0],1,1,1]: rows of c, its columns, and what is summed over; null for whole.
     */
    void product(Node a, Node b, Node c, Node rows, Node columns, Node inner) {
        long m = create(CudnnApi.MATMUL);
        setInt(m, 1500, CudnnApi.TYPE_DATA_TYPE, CudnnApi.FLOAT);
        if (rows != null) {
            value.setDouble(0, 0);
            set(m, 1503, CudnnApi.TYPE_DOUBLE, 1);
        }
        finish(m, "product");
        long o = create(CudnnApi.OPERATION_MATMUL);
        setLongs(o, 1520, CudnnApi.TYPE_DESCRIPTOR, a.descriptor);
        setLongs(o, 1521, CudnnApi.TYPE_DESCRIPTOR, b.descriptor);
        setLongs(o, 1522, CudnnApi.TYPE_DESCRIPTOR, c.descriptor);
        setLongs(o, 1523, CudnnApi.TYPE_DESCRIPTOR, m);
        Node[] extents = {rows, columns, inner};
        for (int i = 0; i < extents.length; i++) {
            if (extents[i] != null) {
                setLongs(o, 1525 + i, CudnnApi.TYPE_DESCRIPTOR, extents[i].descriptor);
            }
        }
        operation(o, "product operation");
    }

    /** y = reduction of x over the dimensions in which y is smaller. */
    void reduce(int operator, Node x, Node y) {
        long r = create(CudnnApi.REDUCTION);
        setInt(r, 1600, CudnnApi.TYPE_REDUCTION, operator);
        setInt(r, 1601, CudnnApi.TYPE_DATA_TYPE, CudnnApi.FLOAT);
        finish(r, "reduction");
        long o = create(CudnnApi.OPERATION_REDUCTION);
        setLongs(o, 1610, CudnnApi.TYPE_DESCRIPTOR, x.descriptor);
        setLongs(o, 1611, CudnnApi.TYPE_DESCRIPTOR, y.descriptor);
        setLongs(o, 1612, CudnnApi.TYPE_DESCRIPTOR, r);
        operation(o, "reduction operation");
    }

    /** y = x seen with other dimensions and strides. */
    Node reshape(Node x, int type, long[] dims, long[] strides) {
        Node y = virtual(type, dims, strides);
        long o = create(CudnnApi.OPERATION_RESHAPE);
        setLongs(o, 2200, CudnnApi.TYPE_DESCRIPTOR, x.descriptor);
        setLongs(o, 2201, CudnnApi.TYPE_DESCRIPTOR, y.descriptor);
        operation(o, "reshape");
        return y;
    }

    private void operation(long o, String what) {
        finish(o, what);
        operations.add(o);
    }

    /** Closes the graph; without a handle (0) it is only checked. */
    long graph(long handle, String what) {
        long graph = create(CudnnApi.OPERATION_GRAPH);
        if (handle != 0) {
            setLongs(graph, 800, CudnnApi.TYPE_HANDLE, handle);
        }
        setLongs(graph, 801, CudnnApi.TYPE_DESCRIPTOR, operations.stream().mapToLong(Long::longValue).toArray());
        finish(graph, "graph of " + what);
        return graph;
    }

    /**
     * Takes the first engine configuration, in the order of cuDNN's own estimate, that can run here.
     *
     * @param wantOrdered prefer those whose results cuDNN does not call non-deterministic
     */
    void plan(long handle, String what, boolean wantOrdered) {
        plan(handle, 0, what, wantOrdered);
    }

    /** The same for a GPU that is not there, by its {@link #properties}: the plan is made whole, and cannot run here. */
    void planFor(long properties, String what, boolean wantOrdered) {
        plan(0, properties, what, wantOrdered);
    }

    /** A GPU's properties as cuDNN (9.11 and later) writes them in JSON; for as long as the graph is open. */
    long properties(String json) {
        long properties = create(CudnnApi.DEVICE_PROPERTIES);
        byte[] text = (json + '\0').getBytes(StandardCharsets.US_ASCII);
        try (Memory memory = new Memory(text.length)) {
            memory.write(0, text, 0, text.length);
            CudnnApi.check(CudnnApi.cudnnBackendSetAttribute(properties, 2702, CudnnApi.TYPE_CHAR, text.length, memory), "properties of a GPU");
        }
        finish(properties, "properties of a GPU");
        return properties;
    }

    private void plan(long handle, long properties, String what, boolean wantOrdered) {
        long graph = graph(handle, what);
        long heuristics = create(CudnnApi.ENGINE_HEURISTICS);
        setLongs(heuristics, 201, CudnnApi.TYPE_DESCRIPTOR, graph);
        if (properties != 0) {
            setLongs(heuristics, 204, CudnnApi.TYPE_DESCRIPTOR, properties);
        }
        setInt(heuristics, 200, CudnnApi.TYPE_HEURISTIC, CudnnApi.HEURISTIC_MODE_A);
        finish(heuristics, "heuristics of " + what);
        List<Long> configs = new ArrayList<>();
        List<Long> others = new ArrayList<>();
        for (long config : results(heuristics)) {
            (wantOrdered && notes(config).contains(CudnnApi.NOTE_NONDETERMINISTIC) ? others : configs).add(config);
        }
        configs.addAll(others);
        NativeException last = null;
        for (long config : configs) {
            long candidate = create(CudnnApi.EXECUTION_PLAN);
            if (properties != 0) {
                setLongs(candidate, 407, CudnnApi.TYPE_DESCRIPTOR, properties);
            } else {
                setLongs(candidate, 400, CudnnApi.TYPE_HANDLE, handle);
            }
            setLongs(candidate, 401, CudnnApi.TYPE_DESCRIPTOR, config);
            try {
                finish(candidate, "plan of " + what);
            } catch (NativeException e) {
                last = e;
                continue;
            }
            plan = candidate;
            try (Memory out = new Memory(Long.BYTES); Memory count = new Memory(Long.BYTES)) {
                get(candidate, 402, CudnnApi.TYPE_INT64, 1, count, out);
                workspaceBytes = out.getLong(0);
            }
            return;
        }
        throw last != null ? last : new NativeException("cuDNN", what, 0, "no engine runs this graph on this GPU");
    }

    private long[] results(long heuristics) {
        long[] configs = new long[MAX_CONFIGS];
        try (Memory array = new Memory((long) MAX_CONFIGS * Long.BYTES); Memory count = new Memory(Long.BYTES)) {
            for (int i = 0; i < MAX_CONFIGS; i++) {
                configs[i] = create(CudnnApi.ENGINE_CONFIG);
            }
            array.write(0, configs, 0, MAX_CONFIGS);
            get(heuristics, 202, CudnnApi.TYPE_DESCRIPTOR, MAX_CONFIGS, count, array);
            long[] found = new long[(int) Math.min(MAX_CONFIGS, count.getLong(0))];
            System.arraycopy(configs, 0, found, 0, found.length);
            return found;
        }
    }

    private List<Integer> notes(long config) {
        try (Memory one = new Memory(Long.BYTES); Memory array = new Memory(16L * Integer.BYTES); Memory count = new Memory(Long.BYTES)) {
            one.setLong(0, create(CudnnApi.ENGINE));
            get(config, 300, CudnnApi.TYPE_DESCRIPTOR, 1, count, one);
            get(one.getLong(0), 1303, CudnnApi.TYPE_NOTE, 16, count, array);
            List<Integer> notes = new ArrayList<>();
            for (int i = 0; i < Math.min(16, count.getLong(0)); i++) {
                notes.add(array.getInt((long) i * Integer.BYTES));
            }
            return notes;
        }
    }

    /** Scratch that a run needs, in bytes. */
    long workspaceBytes() {
        return workspaceBytes;
    }

    /** Enqueues the plan on the handle's stream; addresses belong to the nodes in order. */
    void run(long handle, Node[] nodes, long[] addresses, long workspace, String what) {
        long pack = open(CudnnApi.VARIANT_PACK);
        try {
            for (int i = 0; i < nodes.length; i++) {
                value.setLong((long) i * Long.BYTES, nodes[i].id);
            }
            set(pack, 1000, CudnnApi.TYPE_INT64, nodes.length);
            value.write(0, addresses, 0, nodes.length);
            set(pack, 1001, CudnnApi.TYPE_POINTER, nodes.length);
            value.setLong(0, workspace);
            set(pack, 1003, CudnnApi.TYPE_POINTER, 1);
            CudnnApi.check(CudnnApi.cudnnBackendFinalize(pack), "addresses of " + what);
            CudnnApi.check(CudnnApi.cudnnBackendExecute(handle, plan, pack), what);
        } finally {
            CudnnApi.check(CudnnApi.cudnnBackendDestroyDescriptor(pack), "addresses of " + what);
        }
    }

    private long create(int type) {
        long d = open(type);
        descriptors.add(d);
        return d;
    }

    private long open(int type) {
        CudnnApi.check(CudnnApi.cudnnBackendCreateDescriptor(type, value), "descriptor of type " + type);
        return value.getLong(0);
    }

    private void setInt(long descriptor, int attribute, int type, int number) {
        value.setInt(0, number);
        set(descriptor, attribute, type, 1);
    }

    private void setBoolean(long descriptor, int attribute, boolean flag) {
        value.setByte(0, (byte) (flag ? 1 : 0));
        set(descriptor, attribute, CudnnApi.TYPE_BOOLEAN, 1);
    }

    private void setLongs(long descriptor, int attribute, int type, long... numbers) {
        value.write(0, numbers, 0, numbers.length);
        set(descriptor, attribute, type, numbers.length);
    }

    private void set(long descriptor, int attribute, int type, int count) {
        CudnnApi.check(CudnnApi.cudnnBackendSetAttribute(descriptor, attribute, type, count, value), "attribute " + attribute);
    }

    private static void get(long descriptor, int attribute, int type, int room, Memory count, Memory into) {
        CudnnApi.check(CudnnApi.cudnnBackendGetAttribute(descriptor, attribute, type, room, count, into), "attribute " + attribute);
    }

    private static void finish(long descriptor, String what) {
        CudnnApi.check(CudnnApi.cudnnBackendFinalize(descriptor), what);
    }

    @Override
    public void close() {
        for (int i = descriptors.size() - 1; i >= 0; i--) {
            CudnnApi.check(CudnnApi.cudnnBackendDestroyDescriptor(descriptors.get(i)), "release of a descriptor");
        }
        descriptors.clear();
        value.close();
    }
}
