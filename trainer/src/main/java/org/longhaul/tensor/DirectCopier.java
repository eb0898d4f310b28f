package org.longhaul.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Downloads one after the other on the caller's time. */
record DirectCopier(Backend backend) implements HostCopier {
    @Override
    public ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    @Override
    public void start(List<ByteBuffer> destinations, List<Tensor> sources) {
        for (int i = 0; i < sources.size(); i++) {
            backend.download(destinations.get(i), sources.get(i));
        }
    }

    @Override
    public void gate() {
        // Done when start returned.
    }

    @Override
    public void await() {
        // Done when start returned.
    }

    @Override
    public void close() {
        // The garbage collector frees the memory.
    }
}
