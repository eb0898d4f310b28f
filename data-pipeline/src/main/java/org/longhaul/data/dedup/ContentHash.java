package org.longhaul.data.dedup;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import org.longhaul.data.text.FoldedTokens;

/** 128-bit hash of a text's content: equal hashes are taken for equal texts. */
public record ContentHash(long high, long low) implements Serializable {
    private static final ThreadLocal<FoldedTokens> TOKENS = ThreadLocal.withInitial(FoldedTokens::new);

    /** The hash of a text: XXH3-128 of its UTF-8 bytes, or of its folded tokens. */
    public static ContentHash of(String text, DedupSettings.ExactForm form) {
        return switch (form) {
            case RAW -> raw(text);
            case FOLDED -> folded(text);
        };
    }

    private static ContentHash raw(String text) {
        HashValue128 value = Hashing.xxh3_128().hashBytesTo128Bits(text.getBytes(StandardCharsets.UTF_8));
        return new ContentHash(value.getMostSignificantBits(), value.getLeastSignificantBits());
    }

    private static ContentHash folded(String text) {
        FoldedTokens tokens = TOKENS.get();
        tokens.load(text);
        if (tokens.count() == 0) {
            return raw(text);
        }
        long[] digest = tokens.digest();
        return new ContentHash(digest[0], digest[1]);
    }
}
