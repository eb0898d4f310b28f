package org.longhaul.tokenizer;

/**
 * Cuts text into the pieces that byte-pair merges never cross. A splitter is stateless: the end of a piece depends on the bytes
 * from its start on, never on what came before, and the pieces cover the text without gaps.
 */
public interface Splitter {
    /**
     * The end of the piece that starts at {@code from}.
     *
     * @param text UTF-8; ill-formed bytes are characters of no class
     * @param from start of a piece, {@code from < to}
     * @param to end of the text that may be looked at
     * @return a position in {@code (from, to]}
     */
    int next(byte[] text, int from, int to);
}
