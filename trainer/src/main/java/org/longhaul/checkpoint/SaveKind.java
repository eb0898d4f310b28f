package org.longhaul.checkpoint;

import java.util.Locale;

/** How long a checkpoint is meant to live. */
public enum SaveKind {
    /** Saved by the clock so that a fault costs minutes; replaced by later ones. */
    EPHEMERAL,
    /** Saved by step, kept by the retention rules. */
    PERMANENT;

    /** As written in manifests and tables. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
