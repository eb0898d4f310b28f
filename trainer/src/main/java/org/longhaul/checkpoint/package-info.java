/** Checkpoints as named boxes: saved beside training, checked byte by byte, loaded on any layout; {@code docs/formats/checkpoints.md}. */
package org.longhaul.checkpoint;
