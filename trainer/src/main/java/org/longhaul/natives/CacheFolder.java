package org.longhaul.natives;

import java.nio.file.Path;

/** Where compiled kernels and measured choices are kept: {@code LONGHAUL_CACHE}, else {@code $XDG_CACHE_HOME/longhaul}, else {@code ~/.cache/longhaul}. */
public final class CacheFolder {
    private CacheFolder() {}

    /** One kind's folder; it may not exist yet. */
    public static Path folder(String kind) {
        String own = System.getenv("LONGHAUL_CACHE");
        if (own != null && !own.isBlank()) {
            return Path.of(own, kind);
        }
        String cache = System.getenv("XDG_CACHE_HOME");
        Path root = cache != null && !cache.isBlank() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
        return root.resolve("longhaul").resolve(kind);
    }
}
