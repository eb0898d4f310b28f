package org.longhaul.launch;

import java.util.List;

/** Looks at a command before ranks are started for it; found through {@link java.util.ServiceLoader}. */
public interface LaunchCheck {
    /**
     * Throws {@link org.longhaul.error.UserError} where every rank would refuse the command. Commands that are not this check's pass.
     *
     * @param command the words that each rank is to run
     * @param processes of the whole job
     */
    void require(List<String> command, int processes);
}
