package org.longhaul.tokenizer.bench;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import java.io.IOException;
import java.io.InputStream;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.Tokenizer;

/** jtokkit with cl100k, and our tokenizer of the ranks that jtokkit's jar carries. */
final class JtokkitPeer {
    private static final String RANKS = "/com/knuddels/jtokkit/cl100k_base.tiktoken";
    private final Encoding encoding;

    private JtokkitPeer(Encoding encoding) {
        this.encoding = encoding;
    }

    static JtokkitPeer load() {
        try {
            return new JtokkitPeer(Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.CL100K_BASE));
        } catch (NoClassDefFoundError e) {
            throw UserError.environment("jtokkit cannot be loaded (" + e + "): put com.knuddels:jtokkit on the class path", e);
        }
    }

    /** Our tokenizer of the same vocabulary. */
    static Tokenizer ours() {
        try (InputStream in = Encoding.class.getResourceAsStream(RANKS)) {
            if (in == null) {
                throw UserError.environment("jtokkit's jar has no " + RANKS);
            }
            return Tokenizer.fromTiktoken(in, RANKS, PreTokenizer.CL100K);
        } catch (IOException e) {
            throw UserError.environment(RANKS + ": cannot be read: " + Reason.of(e), e);
        }
    }

    long[] encode(String text) {
        var ids = encoding.encodeOrdinary(text);
        long[] all = new long[ids.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = ids.get(i);
        }
        return all;
    }

    int count(String text) {
        return encoding.encodeOrdinary(text).size();
    }
}
