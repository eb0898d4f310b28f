package org.longhaul.tensor;

/** A device has no memory left for what was asked; the cause of the fault that a user sees. */
public final class OutOfDeviceMemory extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Names the call that failed. */
    public OutOfDeviceMemory(String call) {
        super(call);
    }

    /** Whether a fault comes from it. */
    public static boolean isBehind(Throwable fault) {
        for (Throwable t = fault; t != null; t = t.getCause()) {
            if (t instanceof OutOfDeviceMemory) {
                return true;
            }
        }
        return false;
    }
}
