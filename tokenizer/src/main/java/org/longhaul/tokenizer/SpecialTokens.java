package org.longhaul.tokenizer;

import java.util.List;

/**
 * The tokens behind the learnt vocabulary.
 *
 * @param begin text of the begin-of-sentence token, empty for none
 * @param end text of the end-of-sentence token, empty for none
 * @param others texts of further special tokens, in id order
 * @param bytesOutsideUtf8 whether the 13 bytes that UTF-8 never contains get a token each, so that every byte string can be encoded.
 *     DeepSeek LLM lists them as added tokens, which turns the letter ø of a text into the byte F8; here they are
 *     plain entries of the vocabulary and text is never mistaken for them
 */
public record SpecialTokens(String begin, String end, List<String> others, boolean bytesOutsideUtf8) {
    /** In the order of DeepSeek LLM's ids 100002 to 100014. */
    static final int[] BYTES_OUTSIDE_UTF8 = {0xF8, 0xF6, 0xFA, 0xFF, 0xF5, 0xF7, 0xFB, 0xFD, 0xC0, 0xF9, 0xC1, 0xFE, 0xFC};

    /** Text of DeepSeek LLM's begin-of-sentence token. */
    public static final String BEGIN_OF_SENTENCE = "<\uFF5Cbegin\u2581of\u2581sentence\uFF5C>";
    /** Text of DeepSeek LLM's end-of-sentence token. */
    public static final String END_OF_SENTENCE = "<\uFF5Cend\u2581of\u2581sentence\uFF5C>";

    /** DeepSeek LLM's fifteen: begin, end, and the thirteen bytes. */
    public static SpecialTokens deepSeek() {
        return new SpecialTokens(BEGIN_OF_SENTENCE, END_OF_SENTENCE, List.of(), true);
    }
}
