package org.longhaul.parallel;

import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/** The group of one: what goes in comes out, which in place is nothing at all. */
record SingleRank(String name) implements Communicator {
    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public void allReduce(Tensor buffer, ReduceOp op, Stream stream) {}

    @Override
    public void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream) {
        requireInPlace(output, input);
    }

    @Override
    public void allGather(Tensor output, Tensor input, Stream stream) {
        requireInPlace(output, input);
    }

    @Override
    public void broadcast(Tensor buffer, int root, Stream stream) {}

    @Override
    public void send(Tensor buffer, int peer, Stream stream) {
        throw new IllegalStateException(name + ": a group of one has no peer to send to");
    }

    @Override
    public void receive(Tensor buffer, int peer, Stream stream) {
        throw new IllegalStateException(name + ": a group of one has no peer to receive from");
    }

    @Override
    public void groupStart() {}

    @Override
    public void groupEnd() {}

    @Override
    public boolean recordable() {
        return true;
    }

    @Override
    public void barrier() {}

    @Override
    public void close() {}

    // A copy would need a device; callers of a group of one plan both sides as the same buffer.
    private void requireInPlace(Tensor output, Tensor input) {
        if (output.address() != input.address()) {
            throw new IllegalArgumentException(name + ": in a group of one " + output + " must be " + input + " itself");
        }
    }
}
