package org.longhaul.natives;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntSupplier;

/**
 * What libtorch says about a call that failed. Its C ABI answers only a status and writes the reason to the error stream. So that
 * stream is kept quiet, and a call that failed is made once more with the stream led into a file. Not fast, and need not be.
 */
final class ErrorText {
    private static final int STANDARD_ERROR = 2;
    private static final int O_WRONLY_TRUNC = 1 | 512;
    /** c10's severities: 2 is ERROR, which is what a failed call logs; 3 is FATAL. */
    private static final int LOG_ERRORS = 2;

    private static final int LOG_NOTHING = 3;
    private static final String MARK = "Exception in aoti_torch: ";
    private static final Object LOCK = new Object();
    private static final Pointer LEVEL = level();

    static {
        Native.register(ErrorText.class, NativeLibrary.getProcess());
    }

    private ErrorText() {}

    private static native int open(String path, int flags, int mode);

    private static native int dup(int descriptor);

    private static native int dup2(int from, int to);

    private static native int close(int descriptor);

    // c10's logger has one global level; a libtorch built with glog has none of this name and is left as it is.
    private static Pointer level() {
        try {
            return NativeLibrary.getInstance(LibTorch.folder().resolve("libc10.so").toString()).getGlobalVariableAddress("FLAGS_caffe2_log_level");
        } catch (UnsatisfiedLinkError e) {
            return null;
        }
    }

    /** Keeps libtorch from writing errors that we report ourselves. */
    static void quiet() {
        if (LEVEL != null) {
            LEVEL.setInt(0, LOG_NOTHING);
        }
    }

    /** Makes a failing call again and answers what libtorch says, in one line; empty when nothing was said. */
    static String of(IntSupplier call) {
        synchronized (LOCK) {
            try {
                Path file = Files.createTempFile("longhaul", ".err");
                try {
                    capture(file, call);
                    return reason(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
                } finally {
                    Files.deleteIfExists(file);
                }
            } catch (IOException e) {
                return "(its message could not be read: " + e.getMessage() + ")";
            }
        }
    }

    private static void capture(Path file, IntSupplier call) {
        int target = open(file.toString(), O_WRONLY_TRUNC, 0);
        int saved = dup(STANDARD_ERROR);
        if (target < 0 || saved < 0) {
            return;
        }
        if (LEVEL != null) {
            LEVEL.setInt(0, LOG_ERRORS);
        }
        dup2(target, STANDARD_ERROR);
        try {
            call.getAsInt();
        } finally {
            dup2(saved, STANDARD_ERROR);
            close(saved);
            close(target);
            quiet();
        }
    }

    /** The sentence after the mark, without the C++ stack that follows it. */
    static String reason(String log) {
        int at = log.lastIndexOf(MARK);
        String text = at < 0 ? log : log.substring(at + MARK.length());
        StringBuilder line = new StringBuilder();
        for (String part : text.split("\n")) {
            if (part.startsWith("Exception raised from") || part.startsWith("frame #") || part.startsWith("C++ CapturedTraceback")) {
                break;
            }
            if (!part.isBlank()) {
                line.append(line.isEmpty() ? "" : " ").append(part.strip());
            }
        }
        return line.toString();
    }
}
