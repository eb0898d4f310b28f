/** What a run reports: JSON lines, TensorBoard event files, loss curves, FLOPs. */
package org.longhaul.metrics;
