package org.longhaul.model;

/**
 * The layers that one pipeline stage holds.
 *
 * @param firstLayer first decoder layer
 * @param endLayer one past the last decoder layer
 * @param first whether the stage starts with the embedding
 * @param last whether the stage ends with the final norm and the loss head
 */
public record StageRange(int firstLayer, int endLayer, boolean first, boolean last) {
    /** Checks the range. */
    public StageRange {
        if (firstLayer < 0 || endLayer <= firstLayer) {
            throw new IllegalArgumentException("a stage needs at least one layer: " + firstLayer + " to " + endLayer);
        }
    }

    /** The whole model as one stage. */
    public static StageRange whole(ModelConfig config) {
        return new StageRange(0, config.layers(), true, true);
    }

    /** Stage {@code index} of {@code count}; earlier stages take the remainder of an uneven split. */
    public static StageRange of(ModelConfig config, int index, int count) {
        if (count > config.layers()) {
            throw new IllegalArgumentException(
                    "pipeline stages must not outnumber layers: " + count + " for " + config.layers() + " layers");
        }
        int base = config.layers() / count;
        int extra = config.layers() % count;
        int from = index * base + Math.min(index, extra);
        return new StageRange(from, from + base + (index < extra ? 1 : 0), index == 0, index == count - 1);
    }

    /** Number of layers. */
    public int layers() {
        return endLayer - firstLayer;
    }
}
