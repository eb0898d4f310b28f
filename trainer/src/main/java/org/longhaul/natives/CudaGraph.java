package org.longhaul.natives;

import com.sun.jna.Memory;

/** Recorded GPU work that one call launches again, on the same addresses. */
public final class CudaGraph implements AutoCloseable {
    private final String name;
    private final long graph;
    private final long executable;
    private final long nodes;

    private CudaGraph(String name, long graph, long executable, long nodes) {
        this.name = name;
        this.graph = graph;
        this.executable = executable;
        this.nodes = nodes;
    }

    static CudaGraph instantiate(String name, long graph) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiate of " + name);
            long executable = out.getLong(0);
            CudaApi.check(CudaApi.cuGraphGetNodes(graph, null, out), "cuGraphGetNodes");
            return new CudaGraph(name, graph, executable, out.getLong(0));
        }
    }

    /** What was recorded. */
    public String name() {
        return name;
    }

    /** Number of kernels, copies and fills inside. */
    public long nodes() {
        return nodes;
    }

    /** Enqueues all of it. */
    public void launch(CudaStream stream) {
        CudaApi.check(CudaApi.cuGraphLaunch(executable, stream.handle()), "cuGraphLaunch of " + name);
    }

    @Override
    public void close() {
        CudaApi.check(CudaApi.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
        CudaApi.check(CudaApi.cuGraphDestroy(graph), "cuGraphDestroy");
    }
}
