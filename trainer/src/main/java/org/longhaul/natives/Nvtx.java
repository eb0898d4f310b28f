package org.longhaul.natives;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import java.util.Optional;
import org.longhaul.error.UserError;

/** NVIDIA's range markers, which Nsight Systems shows beside the GPU's work; a call costs nothing to speak of where no tool listens. */
public final class Nvtx {
    private final Function push;
    private final Function pop;
    private final String file;

    private Nvtx(NativeLibrary library) {
        this.push = library.getFunction("nvtxRangePushA");
        this.pop = library.getFunction("nvtxRangePop");
        this.file = library.getFile() == null ? library.getName() : library.getFile().toString();
    }

    /** The library of the site's CUDA (nvtx3interop from CUDA 13 on, nvToolsExt before), empty where there is none. */
    public static Optional<Nvtx> find() {
        return find("nvtx3interop").or(() -> find("nvToolsExt"));
    }

    private static Optional<Nvtx> find(String name) {
        try {
            return Optional.of(new Nvtx(NativeLibraries.open(name, "", "lib" + name + ".so.1")));
        } catch (UserError | UnsatisfiedLinkError e) {
            // Markers are a convenience: without them the profile is complete all the same.
            return Optional.empty();
        }
    }

    /** Where the library was found. */
    public String file() {
        return file;
    }

    /** Opens a range of the calling thread; answers how many were open before it, negative where no tool listens. */
    public int push(String name) {
        return push.invokeInt(new Object[] {name});
    }

    /** Closes the calling thread's innermost range. */
    public int pop() {
        return pop.invokeInt(new Object[0]);
    }
}
