package org.longhaul.cuda;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.PinnedMemory;
import org.longhaul.tensor.HostCopier;
import org.longhaul.tensor.Tensor;

/** Copies by the GPU's copy engine into page-locked memory on a stream of its own. */
final class CudaHostCopier implements HostCopier {
    private final CudaBackend backend;
    private final CudaStream stream;
    private final CudaEvent done;
    private final List<PinnedMemory> memory = new ArrayList<>();

    CudaHostCopier(CudaBackend backend) {
        this.backend = backend;
        this.stream = backend.newStream("copies to the host");
        this.done = backend.device().event();
    }

    @Override
    public ByteBuffer allocate(int bytes) {
        backend.bind();
        PinnedMemory pinned = backend.device().pinned(bytes);
        memory.add(pinned);
        return pinned.buffer(0, bytes);
    }

    @Override
    public void start(List<ByteBuffer> destinations, List<Tensor> sources) {
        backend.bind();
        stream.waitFor(backend.computeStream());
        for (int i = 0; i < sources.size(); i++) {
            ByteBuffer to = destinations.get(i);
            Tensor from = sources.get(i);
            if (to.remaining() != from.bytes()) {
                throw new IllegalArgumentException(from + " has " + from.bytes() + " bytes, the other side " + to.remaining());
            }
            long address = PinnedMemory.addressOf(to);
            stream.copyToHost(address, from.address(), from.bytes());
        }
        done.record(stream);
    }

    @Override
    public void gate() {
        backend.bind();
        backend.computeStream().waitFor(done);
    }

    @Override
    public void await() {
        // The caller's thread may be another one than the backend's: only the driver's context is made current there.
        backend.device().makeCurrent();
        done.await();
    }

    @Override
    public void close() {
        await();
        backend.bind();
        done.close();
        memory.forEach(PinnedMemory::close);
        memory.clear();
    }
}
