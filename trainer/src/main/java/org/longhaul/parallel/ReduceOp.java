package org.longhaul.parallel;

/** How a collective combines the ranks' values. */
public enum ReduceOp {
    /** Sum. */
    SUM,
    /** Maximum. */
    MAX
}
