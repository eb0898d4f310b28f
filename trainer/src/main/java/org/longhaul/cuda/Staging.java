package org.longhaul.cuda;

import java.nio.ByteBuffer;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.PinnedMemory;

/** A ring of page-locked pieces between ordinary host memory and the GPU: an upload waits only when the ring is full. */
final class Staging implements AutoCloseable {
    private static final int PIECES = 4;

    private final int pieceBytes;
    private final PinnedMemory memory;
    private final CudaEvent[] done = new CudaEvent[PIECES];
    private final ByteBuffer[] pieces = new ByteBuffer[PIECES];
    private int next;

    Staging(CudaDevice device, int pieceBytes) {
        this.pieceBytes = pieceBytes;
        this.memory = device.pinned((long) PIECES * pieceBytes);
        for (int i = 0; i < PIECES; i++) {
            done[i] = device.event();
            pieces[i] = memory.buffer((long) i * pieceBytes, pieceBytes);
        }
    }

    /** Enqueues a copy to the device; the source may be reused when this returns. */
    void upload(CudaStream stream, long destination, ByteBuffer source) {
        ByteBuffer from = source.duplicate();
        int end = from.limit();
        while (from.position() < end) {
            int n = Math.min(pieceBytes, end - from.position());
            int slot = next;
            next = (next + 1) % PIECES;
            done[slot].await();
            from.limit(from.position() + n);
            pieces[slot].clear().put(from);
            from.limit(end);
            stream.copyToDevice(destination, memory.address() + (long) slot * pieceBytes, n);
            done[slot].record(stream);
            destination += n;
        }
    }

    /** Copies from the device after the stream's work and returns when the bytes are there. */
    void download(CudaStream stream, ByteBuffer destination, long source) {
        int slot = next;
        done[slot].await();
        ByteBuffer to = destination.duplicate();
        while (to.hasRemaining()) {
            int n = Math.min(pieceBytes, to.remaining());
            stream.copyToHost(memory.address() + (long) slot * pieceBytes, source, n);
            stream.synchronize();
            to.put(pieces[slot].clear().limit(n));
            source += n;
        }
    }

    @Override
    public void close() {
        for (CudaEvent event : done) {
            event.await();
            event.close();
        }
        memory.close();
    }
}
