package org.longhaul.tokenizer;

/**
 * A token that is found in the text before pre-tokenization and never made by merges.
 *
 * @param id its id
 * @param content its text
 * @param special whether decoders may leave it out: begin of sentence and the like
 * @param normalized whether it is looked for after the tokens that are not normalized, as Hugging Face does
 * @param stripLeft takes the white space on its left
 * @param stripRight takes the white space on its right
 */
public record AddedToken(int id, String content, boolean special, boolean normalized, boolean stripLeft, boolean stripRight) {
    /** A special token that strips nothing. */
    public static AddedToken special(int id, String content) {
        return new AddedToken(id, content, true, false, false, false);
    }
}
