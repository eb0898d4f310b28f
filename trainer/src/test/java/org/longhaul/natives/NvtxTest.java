package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class NvtxTest {
    /** Without a tool that listens the library does nothing, in balance. */
    @Test
    void rangesOpenAndClose() {
        Optional<Nvtx> nvtx = Nvtx.find();
        Assumptions.assumeTrue(nvtx.isPresent(), "needs libnvtx3interop or libnvToolsExt (set PYTORCH_LIBRARY_PATH to a CUDA PyTorch)");
        assertTrue(nvtx.get().file().contains("nv"), nvtx.get().file());
        int before = nvtx.get().push("outer");
        nvtx.get().push("inner");
        nvtx.get().pop();
        assertEquals(before, nvtx.get().pop());
    }
}
