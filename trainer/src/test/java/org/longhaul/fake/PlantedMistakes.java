package org.longhaul.fake;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.DeviceMemory;
import org.longhaul.natives.NativeException;
import org.longhaul.natives.PinnedMemory;
import org.longhaul.tensor.Backend;

/** Does on the emulated machine what must not be done; exit status 1 says which mistake went unnoticed. */
final class PlantedMistakes {
    private PlantedMistakes() {}

    private static void require(boolean found, String mistake) {
        if (!found) {
            System.out.println("not noticed: " + mistake);
            System.exit(1);
        }
    }

    private static boolean refused(Runnable call, String words) {
        try {
            call.run();
            return false;
        } catch (NativeException e) {
            return e.getMessage().contains(words);
        }
    }

    private static void capture(CudaStream stream, Runnable work) {
        Backend.Recording recording = stream.record("work");
        try {
            work.run();
        } catch (NativeException e) {
            recording.abandon();
            throw e;
        }
        recording.end();
    }

    public static void main(String[] none) {
        CudaDevice device = CudaDevice.open(0);
        CudaStream one = device.stream("one");
        CudaStream two = device.stream("two");
        DeviceMemory memory = device.allocate(1024);
        PinnedMemory host = device.pinned(1024);

        host.buffer(0, 1).put(0, (byte) 1);
        one.copyToDevice(memory.address(), host.address(), 1024);
        host.buffer(0, 1).put(0, (byte) 2);
        PinnedMemory back = device.pinned(1024);
        one.copyToHost(back.address(), memory.address(), 1024);
        one.synchronize();
        require(back.buffer(0, 1).get(0) == 2, "page-locked memory was changed before the copy had been done");

        one.fill(memory.address(), 3, 1024);
        two.copyToHost(back.address(), memory.address(), 1024);
        two.synchronize();
        require(back.buffer(0, 1).get(0) == 2, "a stream did not wait for another");
        two.waitFor(one);
        two.copyToHost(back.address(), memory.address(), 1024);
        require(back.buffer(0, 1).get(0) == 2, "the host did not wait");
        two.synchronize();
        require(back.buffer(0, 1).get(0) == 3, "all waited, and yet the copy is old");

        require(refused(() -> capture(one, one::synchronize), "CAPTURE_UNSUPPORTED"), "waiting within a capture");
        require(refused(() -> capture(one, () -> {
            two.waitFor(one);
            two.fill(memory.address(), 0, 8);
        }), "CAPTURE_UNJOINED"), "a branch that a capture left");
        try (Memory pageable = new Memory(64)) {
            require(refused(() -> capture(one, () -> one.copyToDevice(memory.address(), Pointer.nativeValue(pageable), 64)),
                    "CAPTURE_UNSUPPORTED"), "ordinary memory within a capture");
        }
        boolean[] noContext = new boolean[1];
        Thread other = new Thread(() -> noContext[0] = refused(() -> one.fill(memory.address(), 0, 8), "INVALID_CONTEXT"));
        other.start();
        try {
            other.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        require(noContext[0], "a thread without a context");

        back.close();
        host.close();
        one.fill(memory.address() + 1000, 0, 100);
        require(refused(one::synchronize, "ILLEGAL_ADDRESS"), "a fill beyond the end");
        // A fault stays, as on a GPU: what follows can only end.
        require(refused(two::synchronize, "ILLEGAL_ADDRESS"), "a fault that went away");
        device.close();
    }
}
