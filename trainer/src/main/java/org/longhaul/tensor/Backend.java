package org.longhaul.tensor;

import java.nio.ByteBuffer;
import org.longhaul.ops.Ops;

/**
 * One device: the CPU, or one GPU. Gives memory, moves bytes, orders work. Work is enqueued on {@link Stream}s; on the CPU a
 * stream runs its work at once. Used by one thread at a time.
 */
public interface Backend extends AutoCloseable {
    /** For plans, logs and errors: {@code cpu}, {@code cuda:0}. */
    String name();

    /** The type of activations and of the parameters' working copy: F32 on the CPU by default, BF16 on a GPU. */
    DType computeType();

    /** Allocates zeroed memory. Throws UserError (exit 3) with the plan's advice when the device has too little. */
    Arena allocate(String name, long bytes);

    /** Bytes of the device that this process has taken since the backend was opened, whatever for; negative where that is not known. */
    default long usedBytes() {
        return -1;
    }

    /** What its arenas hold, largest first, for people. */
    default String held() {
        return "unknown";
    }

    /** The operations of this device. */
    Ops ops();

    /** The stream that {@link Ops} work goes to. */
    Stream computeStream();

    /** Measures the compute stream; the caller closes it, and uses one at a time. */
    default StepMeter stepMeter() {
        return StepMeter.host(new HostStream());
    }

    /** What this device is, for somebody who has to find it: empty, or the GPU's name and UUID. */
    default String hardware() {
        return "";
    }

    /** A further stream, for instance for collectives or for staging checkpoints. */
    Stream newStream(String name);

    /** A further stream for collectives, whose work starts before that of the compute stream where both are ready. */
    default Stream newCommunicationStream(String name) {
        return newStream(name);
    }

    /**
     * Copies the source's remaining bytes to the device and returns when it may be reused; it is direct, native order, and its
     * position stays. Their number must be the tensor's.
     */
    void upload(Tensor destination, ByteBuffer source);

    /**
     * Fills the destination's remaining bytes after all work enqueued so far on the compute stream; returns when they are there. Its
     * position stays. Their number must be the tensor's.
     */
    void download(ByteBuffer destination, Tensor source);

    /** Copies to the host that run beside the computation where the device can; the caller closes it. */
    default HostCopier hostCopier() {
        return HostCopier.direct(this);
    }

    /** Copies bytes on the device, enqueued on the compute stream; both sides have as many bytes. */
    void copy(Tensor destination, Tensor source);

    /** Fills with zero bytes, enqueued on the compute stream. */
    void zero(Tensor tensor);

    /** Waits for everything enqueued on the device. */
    void synchronize();

    /** Whether something was recorded already, which may read and write any memory that was held then. */
    default boolean hasRecorded() {
        return false;
    }

    /** Whether {@link #record} is possible. */
    default boolean records() {
        return false;
    }

    /**
     * From now on what is enqueued on the compute stream is recorded, not run, until the recording ends. The same work must have run
     * before on the same buffers; it must neither allocate nor copy from or to the host, nor wait.
     */
    default Recording record(String name) {
        throw new UnsupportedOperationException(name() + " records no work");
    }

    /** Records what {@code work} enqueues; when it fails nothing of it has run. */
    default Graph capture(String name, Runnable work) {
        Recording recording = record(name);
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            recording.abandon();
            throw e;
        }
        return recording.end();
    }

    @Override
    void close();

    /** An ordered queue of device work. */
    interface Stream {
        /** The native stream (a {@code CUstream}), 0 on the CPU. */
        long handle();

        /** Work enqueued here from now on starts after all that is enqueued on {@code other} up to now. */
        void waitFor(Stream other);

        /** Blocks the caller until all enqueued work is done. */
        void synchronize();

        /** Work of the host in the stream's order: at once where the stream has no thread of its own. */
        default void run(Runnable work) {
            work.run();
        }

        /** A mark of this stream, for others to wait for; the caller closes it. */
        default Mark newMark() {
            return Mark.PASSED;
        }

        /** Work enqueued here from now on starts after what the mark was last set behind, if it was. */
        default void waitFor(Mark mark) {
            // Work of a stream without a queue is done when it returns.
        }
    }

    /** A place in a stream. */
    interface Mark extends AutoCloseable {
        /** On a stream whose work is done at once. */
        Mark PASSED = new Mark() {
            @Override
            public void set() {}

            @Override
            public void close() {}
        };

        /** Moves the mark behind everything enqueued on its stream so far. */
        void set();

        @Override
        void close();
    }

    /** Work being recorded. */
    interface Recording {
        /** Ends it; throws RuntimeException when what was enqueued cannot be a graph. */
        Graph end();

        /** Ends it after a failure. */
        void abandon();
    }

    /** Recorded work that one call enqueues again, on the same addresses. */
    interface Graph extends AutoCloseable {
        /** What was recorded. */
        String name();

        /** Number of kernels, copies and fills inside. */
        long nodes();

        /** Enqueues all of it. */
        void launch(Stream stream);

        @Override
        void close();
    }
}
