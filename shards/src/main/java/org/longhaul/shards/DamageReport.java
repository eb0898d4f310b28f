package org.longhaul.shards;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.longhaul.error.UserError;

/** Takes note of the damage of one shard: throws it, or tells each once. Safe for several threads. */
final class DamageReport {
    private static final int MOST = 10;

    private final Consumer<String> told;
    private final Set<String> before = ConcurrentHashMap.newKeySet();

    /** @param told who is told instead of a throw; null throws */
    DamageReport(Consumer<String> told) {
        this.told = told;
    }

    void take(UserError damage) {
        if (told == null) {
            throw damage;
        }
        if (before.size() <= MOST && before.add(damage.getMessage())) {
            told.accept(before.size() <= MOST ? damage.getMessage() : "one more damaged place, and no further ones of this shard are told: " + damage.getMessage());
        }
    }
}
