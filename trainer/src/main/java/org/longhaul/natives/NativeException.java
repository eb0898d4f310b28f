package org.longhaul.natives;

/** A native call that failed although the machine has what it needs: which library, which call, its status and its own words. */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NativeException(String library, String call, int status, String message) {
        super(library + " " + call + " failed with " + status + ": " + message);
    }
}
