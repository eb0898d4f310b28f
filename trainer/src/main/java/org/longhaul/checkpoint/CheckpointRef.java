package org.longhaul.checkpoint;

import org.longhaul.error.UserError;

/** A checkpoint as a user names it: a run's output or its folder of checkpoints, meaning its newest complete one, or one step's folder. */
public record CheckpointRef(String root, String step) {
    /** Takes {@code …/checkpoints} or {@code …/checkpoints/step-00001234}. */
    public static CheckpointRef parse(String text) {
        String path = text.length() > 1 && text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
        int slash = path.lastIndexOf('/');
        if (StepName.parse(path.substring(slash + 1)) == null) {
            return new CheckpointRef(path, "");
        }
        return new CheckpointRef(slash < 0 ? "." : slash == 0 ? "/" : path.substring(0, slash), path.substring(slash + 1));
    }

    /** Opens it. Throws UserError when it is not there or not complete. */
    public Checkpoint open(CheckpointStore store) {
        if (step.isEmpty()) {
            return store.openNewest();
        }
        CheckpointInfo info = store.list().stream().filter(c -> c.name().equals(step)).findFirst()
                .orElseThrow(() -> UserError.badInput("no checkpoint " + step + " in " + store.root()));
        if (!info.complete()) {
            throw UserError.badInput(store.root() + "/" + step + " is not complete: " + info.problem());
        }
        return store.open(info);
    }

    /** Opens the store that holds it: the folder named or, where that holds none and is a run's output, {@code checkpoints} in it. */
    public CheckpointStore store() {
        CheckpointStore named = CheckpointStore.open(root);
        if (!step.isEmpty() || !named.list().isEmpty()) {
            return named;
        }
        CheckpointStore inside = CheckpointStore.open(root + "/checkpoints");
        boolean there = !inside.list().isEmpty();
        (there ? named : inside).close();
        return there ? inside : named;
    }
}
