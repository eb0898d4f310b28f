package org.longhaul.natives;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;

/** Environment variables as native libraries of this process see them; Java's own view is the one it started with. */
final class ProcessEnvironment {
    private ProcessEnvironment() {}

    /** Sets a variable that is not set. */
    static void setIfAbsent(String name, String value) {
        int status = function("setenv").invokeInt(new Object[] {name, value, 0});
        if (status != 0) {
            throw new NativeException("C library", "setenv of " + name, status, "the environment is full");
        }
    }

    /** Ends the process at once: nothing that native libraries left for their end is run, which could wait for a device for ever. */
    static void exit(int status) {
        function("_exit").invokeVoid(new Object[] {status});
    }

    /** What a native library reads; null where nothing is set. */
    static String value(String name) {
        return function("getenv").invokeString(new Object[] {name}, false);
    }

    private static Function function(String name) {
        return NativeLibrary.getProcess().getFunction(name);
    }
}
