package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.StringArray;
import java.nio.file.Path;
import org.longhaul.error.UserError;

/** NVIDIA's run-time compiler, as it is; needs no GPU. */
final class Nvrtc {
    private static final int SUCCESS = 0;
    private static final int COMPILATION_FAILED = 6;

    private static final UserError MISSING = NativeLibraries.bind(() -> {
        NativeLibrary library = NativeLibraries.open(
                "nvrtc",
                "it comes with every CUDA build of PyTorch (nvidia/…/lib beside the torch folder): point PYTORCH_LIBRARY_PATH at that"
                        + " PyTorch's lib folder",
                "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so");
        // NVRTC opens its builtins by bare name, which the loader only finds when they are on its path or already loaded.
        Path file = library.getFile() == null ? null : library.getFile().toPath();
        NativeLibraries.companion(file, "nvrtc-builtins").ifPresent(b -> NativeLibrary.getInstance(b.toString()));
        Native.register(Nvrtc.class, library);
    });

    private Nvrtc() {}

    /** Throws the UserError (exit 3) that says what is missing, where this library could not be loaded. */
    static void require() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    private static native String nvrtcGetErrorString(int result);

    private static native int nvrtcVersion(Pointer major, Pointer minor);

    private static native int nvrtcCreateProgram(
            Pointer program, String source, String name, int headers, Pointer headerSources, Pointer headerNames);

    private static native int nvrtcDestroyProgram(Pointer program);

    private static native int nvrtcCompileProgram(long program, int count, Pointer options);

    private static native int nvrtcGetCUBINSize(long program, Pointer size);

    private static native int nvrtcGetCUBIN(long program, Pointer cubin);

    private static native int nvrtcGetProgramLogSize(long program, Pointer size);

    private static native int nvrtcGetProgramLog(long program, Pointer log);

    /** For instance {@code 13.0}. */
    static String version() {
        require();
        try (Memory out = new Memory(16)) {
            check(nvrtcVersion(out, out.share(8)), "nvrtcVersion");
            return out.getInt(0) + "." + out.getInt(8);
        }
    }

    /** What a compilation gave: machine code, or null and a log that says why not. */
    record Result(byte[] cubin, String log) {}

    static Result compile(String name, String source, String[] options) {
        require();
        try (Memory program = new Memory(8)) {
            check(nvrtcCreateProgram(program, source, name, 0, null, null), "nvrtcCreateProgram");
            try {
                long handle = program.getLong(0);
                int status = nvrtcCompileProgram(handle, options.length, new StringArray(options));
                if (status != SUCCESS && status != COMPILATION_FAILED) {
                    throw new NativeException("NVRTC", "nvrtcCompileProgram of " + name + " with " + String.join(" ", options), status,
                            nvrtcGetErrorString(status) + log(handle));
                }
                return new Result(status == SUCCESS ? cubin(handle) : null, log(handle));
            } finally {
                check(nvrtcDestroyProgram(program), "nvrtcDestroyProgram");
            }
        }
    }

    private static byte[] cubin(long program) {
        try (Memory size = new Memory(8)) {
            check(nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
            try (Memory code = new Memory(size.getLong(0))) {
                check(nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
                return code.getByteArray(0, (int) code.size());
            }
        }
    }

    private static String log(long program) {
        try (Memory size = new Memory(8)) {
            check(nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
            try (Memory text = new Memory(Math.max(1, size.getLong(0)))) {
                check(nvrtcGetProgramLog(program, text), "nvrtcGetProgramLog");
                return text.getString(0).strip();
            }
        }
    }

    private static void check(int status, String call) {
        if (status != SUCCESS) {
            throw new NativeException("NVRTC", call, status, nvrtcGetErrorString(status));
        }
    }
}
