/** The project's own benchmarks: the training step and its operations on one GPU, with the peers in the same run. */
package org.longhaul.bench;
