package org.longhaul.launch;

import java.util.concurrent.CompletableFuture;

/** One rank of an attempt on this node, as the launcher sees it. */
interface Rank {
    int rank();

    long pid();

    CompletableFuture<Void> onExit();

    boolean alive();

    /** The exit status, 128 and a signal's number where one ended it; only when it has ended. */
    int status();

    /** What it said last that looks like a cause. */
    String lastWords();

    /** Sends a signal by name, for instance {@code TERM}; nothing happens when it has ended. */
    void signal(String name);

    void kill();

    /** What is unusual about its process now, in words; empty where nothing is. */
    String state();
}
