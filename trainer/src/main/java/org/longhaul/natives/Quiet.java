package org.longhaul.natives;

import java.util.Map;

/** Settings that keep DJL offline and silent, made before its classes are touched; what the user has set stays. */
final class Quiet {
    private static final Map<String, String> SETTINGS = Map.of(
            "ai.djl.offline", "true",
            "OPT_OUT_TRACKING", "true",
            "DJL_DISABLE_PROGRESS_BAR", "true",
            "jna.nosys", "true");

    private Quiet() {}

    static void settings() {
        SETTINGS.forEach((key, value) -> {
            if (System.getProperty(key) == null) {
                System.setProperty(key, value);
            }
        });
    }
}
