package org.longhaul.data.job;

import java.util.Arrays;
import org.longhaul.tokenizer.Tokenizer;

/** The tokenizer of the running job, made once per process and shared by its tasks. */
final class Tokenizers {
    private static byte[] loadedFrom;
    private static byte[] loadedWith;
    private static Tokenizer loaded;

    private Tokenizers() {}

    static synchronized Tokenizer of(byte[] json, byte[] config) {
        if (!Arrays.equals(json, loadedFrom) || !Arrays.equals(config, loadedWith)) {
            loaded = TokenizerStage.load(json, config, TokenizerStage.JSON);
            loadedFrom = json;
            loadedWith = config;
        }
        return loaded;
    }
}
