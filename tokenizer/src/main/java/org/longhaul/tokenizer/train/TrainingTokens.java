package org.longhaul.tokenizer.train;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The tokens of a training: first the alphabet, then what merges make. */
final class TrainingTokens {
    private final byte[][] tokens;
    /** Lengths in bytes. */
    final int[] lengths;
    private final int maxTokenLength;
    private final Map<ByteBuffer, Integer> ids = new HashMap<>();
    private int size;

    /** None yet, room for {@code capacity}. */
    TrainingTokens(int capacity, int maxTokenLength) {
        tokens = new byte[capacity][];
        lengths = new int[capacity];
        this.maxTokenLength = maxTokenLength;
    }

    int size() {
        return size;
    }

    int capacity() {
        return tokens.length;
    }

    /** The id of a token, a new one if it is not there yet. */
    int add(byte[] bytes) {
        Integer known = ids.putIfAbsent(ByteBuffer.wrap(bytes), size);
        if (known != null) {
            return known;
        }
        tokens[size] = bytes;
        lengths[size] = bytes.length;
        return size++;
    }

    /** The id of two tokens joined. */
    int join(int left, int right) {
        byte[] bytes = Arrays.copyOf(tokens[left], tokens[left].length + tokens[right].length);
        System.arraycopy(tokens[right], 0, bytes, tokens[left].length, tokens[right].length);
        return add(bytes);
    }

    /** Whether two tokens of the words as they came may be merged: bytes always. */
    boolean mayMerge(int left, int right) {
        long length = (long) lengths[left] + lengths[right];
        return length == 2 || length < maxTokenLength;
    }

    byte[][] toArray() {
        return Arrays.copyOf(tokens, size);
    }
}
