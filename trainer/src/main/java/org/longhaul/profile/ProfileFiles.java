package org.longhaul.profile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** The two files of a profile: NAME.txt, the page, and NAME.trace.json for Chrome or Perfetto. */
public final class ProfileFiles {
    private ProfileFiles() {}

    /** Writes both. */
    public static void write(Path folder, String name, List<OpsProfile.Span> spans, int steps) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(name + ".txt"), ProfilePage.text(name, spans, steps));
        } catch (IOException e) {
            throw UserError.environment("cannot write the profile into " + folder + ": " + Reason.of(e), e);
        }
        ProfilePage.trace(folder.resolve(name + ".trace.json"), spans);
    }
}
