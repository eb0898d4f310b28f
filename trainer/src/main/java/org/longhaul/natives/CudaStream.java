package org.longhaul.natives;

import com.sun.jna.Memory;
import org.longhaul.tensor.Backend;

/** An ordered queue of GPU work. */
public final class CudaStream implements Backend.Stream, AutoCloseable {
    private final String name;
    private final long handle;
    private final CudaEvent fence;
    private CudaStepMeter meter;
    private boolean recording;

    private CudaStream(String name, long handle, CudaEvent fence) {
        this.name = name;
        this.handle = handle;
        this.fence = fence;
    }

    static CudaStream create(String name, int priority) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(
                    CudaApi.cuStreamCreateWithPriority(out, CudaApi.STREAM_NON_BLOCKING, priority), "cuStreamCreateWithPriority");
            return new CudaStream(name, out.getLong(0), CudaEvent.create(false));
        }
    }

    @Override
    public long handle() {
        return handle;
    }

    @Override
    public void waitFor(Backend.Stream other) {
        CudaStream source = (CudaStream) other;
        source.fence.record(source);
        waitFor(source.fence);
    }

    /** What measures this stream from now on; null for nothing. */
    void meter(CudaStepMeter measuring) {
        this.meter = measuring;
    }

    /** Tells a meter that work which takes part in a collective, or a wait, begins or ends here. */
    public void markWait() {
        if (meter != null && !recording) {
            meter.mark();
        }
    }

    /** Work enqueued here from now on starts after what the event has recorded. */
    public void waitFor(CudaEvent event) {
        markWait();
        CudaApi.check(CudaApi.cuStreamWaitEvent(handle, event.handle(), 0), "cuStreamWaitEvent");
        markWait();
    }

    @Override
    public Backend.Mark newMark() {
        return new EventMark(CudaEvent.create(false));
    }

    @Override
    public void waitFor(Backend.Mark mark) {
        waitFor(((EventMark) mark).event);
    }

    @Override
    public void synchronize() {
        CudaApi.check(CudaApi.cuStreamSynchronize(handle), "cuStreamSynchronize on " + name);
    }

    /** Copies device bytes to device bytes. */
    public void copyDevice(long destination, long source, long bytes) {
        CudaApi.check(CudaApi.cuMemcpyDtoDAsync_v2(destination, source, bytes, handle), "cuMemcpyDtoDAsync");
    }

    /** Copies host bytes to the device; truly asynchronous only from pinned memory. */
    public void copyToDevice(long destination, long hostSource, long bytes) {
        CudaApi.check(CudaApi.cuMemcpyHtoDAsync_v2(destination, hostSource, bytes, handle), "cuMemcpyHtoDAsync");
    }

    /** Copies device bytes to the host; truly asynchronous only into pinned memory. */
    public void copyToHost(long hostDestination, long source, long bytes) {
        CudaApi.check(CudaApi.cuMemcpyDtoHAsync_v2(hostDestination, source, bytes, handle), "cuMemcpyDtoHAsync");
    }

    /** Fills device bytes with one value. */
    public void fill(long destination, int value, long bytes) {
        CudaApi.check(CudaApi.cuMemsetD8Async(destination, (byte) value, bytes, handle), "cuMemsetD8Async");
    }

    /**
     * Records what is enqueued from now on on this stream, and on streams that are ordered after this one, instead of running it.
     * The work must have run once before, so that nothing is loaded or allocated lazily.
     */
    public Backend.Recording record(String graphName) {
        // Relaxed: other threads (checkpoints, the watch over NCCL) go on calling the driver meanwhile.
        CudaApi.check(CudaApi.cuStreamBeginCapture_v2(handle, CudaApi.CAPTURE_RELAXED), "cuStreamBeginCapture");
        recording = true;
        return new Backend.Recording() {
            @Override
            public CudaGraph end() {
                recording = false;
                try (Memory out = new Memory(8)) {
                    CudaApi.check(CudaApi.cuStreamEndCapture(handle, out), "cuStreamEndCapture of " + graphName);
                    return CudaGraph.instantiate(graphName, out.getLong(0));
                }
            }

            @Override
            public void abandon() {
                abandonCapture();
            }
        };
    }

    // The failure of the work itself is what the caller must see; the broken capture only has to end.
    private void abandonCapture() {
        recording = false;
        try (Memory out = new Memory(8)) {
            if (CudaApi.cuStreamEndCapture(handle, out) == CudaApi.SUCCESS && out.getLong(0) != 0) {
                CudaApi.cuGraphDestroy(out.getLong(0));
            }
        }
    }

    @Override
    public void close() {
        fence.close();
        CudaApi.check(CudaApi.cuStreamDestroy_v2(handle), "cuStreamDestroy");
    }

    private final class EventMark implements Backend.Mark {
        private final CudaEvent event;

        EventMark(CudaEvent event) {
            this.event = event;
        }

        @Override
        public void set() {
            event.record(CudaStream.this);
        }

        @Override
        public void close() {
            event.close();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
