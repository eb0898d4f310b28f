package org.longhaul.cli;

import java.util.List;

/**
 * Contributes top-level commands to the {@code longhaul} launcher. Found through {@link java.util.ServiceLoader}, so that
 * the launcher offers what the class path holds: the bundle for GPU nodes has no Spark and so no {@code data run}.
 */
public interface CommandProvider {
    /**
     * The commands of this module: objects annotated with {@code picocli.CommandLine.Command}. Constructing them must be
     * cheap and must not load native code or Spark. Two providers may contribute sub-commands to one group by
     * naming the same group.
     */
    List<Contribution> commands();

    /**
     * One command and where it goes.
     *
     * @param group the top-level word it belongs under, such as {@code data} or {@code tokenizer}; empty for a
     *     top-level command such as {@code train}
     * @param command the picocli command object
     */
    record Contribution(String group, Object command) {}
}
