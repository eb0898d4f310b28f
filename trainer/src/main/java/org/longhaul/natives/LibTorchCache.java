package org.longhaul.natives;

import ai.djl.pytorch.jni.JniUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The device memory that libtorch keeps after its tensors are gone. */
public final class LibTorchCache {
    private static final Logger LOG = LoggerFactory.getLogger(LibTorchCache.class);

    private LibTorchCache() {}

    /**
     * Gives the driver back what libtorch holds in reserve on the GPU; waits for the device. For after trials with libtorch's
     * operators, whose memory nobody planned. Without a GPU nothing happens; a PyTorch older than 2.8 keeps its reserve.
     */
    public static void release() {
        try {
            JniUtils.emptyCudaCache();
        } catch (RuntimeException | UnsatisfiedLinkError e) {
            LOG.debug("libtorch keeps the GPU memory of the trials: {}", e.toString());
        }
    }
}
