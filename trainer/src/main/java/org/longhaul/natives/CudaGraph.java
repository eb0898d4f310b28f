package org.longhaul.natives;

import com.sun.jna.Memory;
import java.util.function.Consumer;
import org.longhaul.tensor.Backend;

/** Recorded GPU work that one call launches again, on the same addresses. */
public final class CudaGraph implements Backend.Graph {
    private final String name;
    private final long graph;
    private final long executable;
    private final long nodes;
    private Consumer<Backend.Stream> afterLaunch = stream -> {};

    private CudaGraph(String name, long graph, long executable, long nodes) {
        this.name = name;
        this.graph = graph;
        this.executable = executable;
        this.nodes = nodes;
    }

    static CudaGraph instantiate(String name, long graph) {
        try (Memory out = new Memory(8)) {
            // Collectives in it keep the priority of the stream they were recorded on: else they would queue behind products.
            int status = CudaApi.cuGraphInstantiateWithFlags(out, graph, CudaApi.GRAPH_NODE_PRIORITIES);
            if (status != CudaApi.SUCCESS) {
                CudaApi.cuGraphDestroy(graph);
                CudaApi.check(status, "cuGraphInstantiate of " + name);
            }
            long executable = out.getLong(0);
            CudaApi.check(CudaApi.cuGraphGetNodes(graph, null, out), "cuGraphGetNodes");
            return new CudaGraph(name, graph, executable, out.getLong(0));
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long nodes() {
        return nodes;
    }

    /** What to do behind every launch. */
    public void afterLaunch(Consumer<Backend.Stream> action) {
        afterLaunch = action;
    }

    @Override
    public void launch(Backend.Stream stream) {
        CudaApi.check(CudaApi.cuGraphLaunch(executable, stream.handle()), "cuGraphLaunch of " + name);
        afterLaunch.accept(stream);
    }

    @Override
    public void close() {
        CudaApi.check(CudaApi.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
        CudaApi.check(CudaApi.cuGraphDestroy(graph), "cuGraphDestroy");
    }
}
