package org.longhaul.checkpoint;

import java.net.URI;
import java.nio.file.Path;
import org.longhaul.error.UserError;

/** Opens a root by its URI. */
final class Storages {
    private Storages() {}

    static Storage open(String uri) {
        if (!uri.matches("[a-zA-Z][a-zA-Z0-9+.-]+:.*")) {
            return new LocalStorage(Path.of(uri));
        }
        try {
            URI parsed = URI.create(uri);
            if (parsed.getScheme().equals("file")) {
                return new LocalStorage(Path.of(parsed.getPath()));
            }
            return HadoopStorage.open(parsed);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(uri + " is not a path or URI of a folder: " + e.getMessage(), e);
        } catch (NoClassDefFoundError e) {
            // A bundle may be made without Hadoop's client.
            throw UserError.environment(uri + ": this installation has no Hadoop client; use a bundle made without --without-hadoop, or a folder", e);
        }
    }
}
