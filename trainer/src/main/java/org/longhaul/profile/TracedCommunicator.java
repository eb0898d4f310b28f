package org.longhaul.profile;

import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/** A group whose operations are timed on the streams they run on. */
record TracedCommunicator(Communicator target, StepProfile profile) implements Communicator {
    private void run(String operation, Tensor tensor, Stream stream, Runnable work) {
        if (target.size() > 1 && profile.on()) {
            profile.communication(operation + ", " + target.name(), tensor.bytes(), stream, work);
        } else {
            work.run();
        }
    }

    @Override
    public String name() {
        return target.name();
    }

    @Override
    public int rank() {
        return target.rank();
    }

    @Override
    public int size() {
        return target.size();
    }

    @Override
    public void allReduce(Tensor buffer, ReduceOp op, Stream stream) {
        run("all-reduce", buffer, stream, () -> target.allReduce(buffer, op, stream));
    }

    @Override
    public void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream) {
        run("reduce", input, stream, () -> target.reduceScatter(output, input, op, stream));
    }

    @Override
    public void allGather(Tensor output, Tensor input, Stream stream) {
        run("gather", output, stream, () -> target.allGather(output, input, stream));
    }

    @Override
    public void broadcast(Tensor buffer, int root, Stream stream) {
        run("broadcast", buffer, stream, () -> target.broadcast(buffer, root, stream));
    }

    @Override
    public void send(Tensor buffer, int peer, Stream stream) {
        run("send", buffer, stream, () -> target.send(buffer, peer, stream));
    }

    @Override
    public void receive(Tensor buffer, int peer, Stream stream) {
        run("receive", buffer, stream, () -> target.receive(buffer, peer, stream));
    }

    @Override
    public void groupStart() {
        target.groupStart();
    }

    @Override
    public void groupEnd() {
        target.groupEnd();
    }

    @Override
    public boolean recordable() {
        return target.recordable();
    }

    @Override
    public void barrier() {
        target.barrier();
    }

    @Override
    public void close() {
        target.close();
    }
}
