package org.longhaul.tokenizer.bench;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.longhaul.error.UserError;

/**
 * Hugging Face's {@code tokenizers} through DJL's binding, by its leanest way: text in, ids out, without the spans and strings that the
 * binding's own objects carry. Safe from several threads.
 */
public final class HuggingFacePeer implements AutoCloseable {
    private final HuggingFaceTokenizer tokenizer;
    private final TokenizersLibrary library = TokenizersLibrary.LIB;

    private HuggingFacePeer(HuggingFaceTokenizer tokenizer) {
        this.tokenizer = tokenizer;
        // The binding cuts at 512 tokens unless told.
        library.disableTruncation(tokenizer.getHandle());
        library.disablePadding(tokenizer.getHandle());
    }

    /** Loads a {@code tokenizer.json}; {@link UserError} when the library is not on the class path or refuses the file. */
    public static HuggingFacePeer load(Path tokenizer) {
        Path file = Files.isDirectory(tokenizer) ? tokenizer.resolve("tokenizer.json") : tokenizer;
        try {
            return new HuggingFacePeer(HuggingFaceTokenizer.newInstance(file));
        } catch (NoClassDefFoundError | UnsatisfiedLinkError | ExceptionInInitializerError e) {
            throw UserError.environment("Hugging Face's tokenizers cannot be loaded (" + e
                    + "): put ai.djl.huggingface:tokenizers on the class path", e);
        } catch (IOException | RuntimeException e) {
            throw UserError.badInput(file + ": Hugging Face's tokenizers refuses it: " + e.getMessage(), e);
        }
    }

    /** The ids of a text, without the tokens that a post-processor adds. */
    public long[] encode(String text) {
        long encoding = library.encode(tokenizer.getHandle(), text, false);
        try {
            return library.getTokenIds(encoding);
        } finally {
            library.deleteEncoding(encoding);
        }
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
