package org.longhaul.tokenizer;

import java.util.List;

/**
 * A byte-level BPE vocabulary as a file states it.
 *
 * @param tokens bytes of every token by id; null where no token has the id. For an added token: its spelling as bytes when all its
 *     characters stand for bytes, else its UTF-8, as Hugging Face's decoder has it
 * @param byteIds id of every single byte, -1 where the vocabulary has none
 * @param left left id of every merge, by rank
 * @param right right id of every merge, by rank
 * @param merged resulting id of every merge, by rank
 * @param ignoreMerges whether a piece that is a token needs no merges to become it
 * @param preTokenizer how text is cut into pieces
 * @param added tokens that are found before pre-tokenization
 * @param beginOfSentence id, or -1
 * @param endOfSentence id, or -1
 * @param textPrefix id that is put in front of a text when special tokens are asked for, or -1
 */
record BpeModel(byte[][] tokens, int[] byteIds, int[] left, int[] right, int[] merged, boolean ignoreMerges,
        PreTokenizer preTokenizer, List<AddedToken> added, int beginOfSentence, int endOfSentence, int textPrefix) {
    boolean[] addedIds() {
        boolean[] is = new boolean[tokens.length];
        added.forEach(token -> is[token.id()] = true);
        return is;
    }

    /** What Hugging Face's decoder makes of an added token. */
    static byte[] addedBytes(String content) {
        byte[] bytes = ByteLevel.bytes(content);
        return bytes != null ? bytes : content.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
}
