package org.longhaul.natives;

import java.util.Map;
import java.util.Optional;

/** Settings that keep DJL offline and silent, made before its classes are touched; what the user has set stays. */
final class Quiet {
    private static final Map<String, String> SETTINGS = Map.of(
            "ai.djl.offline", "true",
            "OPT_OUT_TRACKING", "true",
            "DJL_DISABLE_PROGRESS_BAR", "true",
            "jna.nosys", "true");

    private Quiet() {}

    static void settings(Optional<TorchSite> site) {
        site.ifPresent(s -> {
            // Without these DJL looks for a build of its own naming, which does not exist for newer versions.
            set("PYTORCH_VERSION", TorchSite.PREBUILT);
            set("PYTORCH_FLAVOR", s.flavor());
        });
        SETTINGS.forEach(Quiet::set);
    }

    private static void set(String key, String value) {
        if (System.getProperty(key) == null && System.getenv(key) == null) {
            System.setProperty(key, value);
        }
    }
}
