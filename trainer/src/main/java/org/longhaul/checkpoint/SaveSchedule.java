package org.longhaul.checkpoint;

import java.util.Optional;
import java.util.function.LongSupplier;

/** Says when a save is due. With several ranks one of them asks and tells the others, since their clocks differ. */
public final class SaveSchedule {
    private final Retention retention;
    private final LongSupplier nanos;
    private long lastSave;

    /** Counts from now. */
    public SaveSchedule(Retention retention) {
        this(retention, System::nanoTime);
    }

    SaveSchedule(Retention retention, LongSupplier nanos) {
        this.retention = retention;
        this.nanos = nanos;
        this.lastSave = nanos.getAsLong();
    }

    /** Whether to save after {@code step} optimizer steps; a save of either kind starts the clock anew. */
    public Optional<SaveKind> due(long step) {
        long now = nanos.getAsLong();
        long every = retention.ephemeralEvery().toNanos();
        SaveKind kind = null;
        if (retention.permanentEvery() > 0 && step % retention.permanentEvery() == 0) {
            kind = SaveKind.PERMANENT;
        } else if (every > 0 && now - lastSave >= every) {
            kind = SaveKind.EPHEMERAL;
        }
        if (kind != null) {
            lastSave = now;
        }
        return Optional.ofNullable(kind);
    }
}
