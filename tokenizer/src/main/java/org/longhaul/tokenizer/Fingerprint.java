package org.longhaul.tokenizer;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of what ids depend on, independent of how the file is laid out. */
final class Fingerprint {
    private Fingerprint() {}

    static String of(BpeModel model) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (DataOutputStream out = new DataOutputStream(
                    new java.io.BufferedOutputStream(new DigestOutputStream(OutputStream.nullOutputStream(), digest), 1 << 16))) {
                write(model, out);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void write(BpeModel model, DataOutputStream out) throws IOException {
        out.writeUTF("longhaul-bpe-1");
        // cl100k and Llama 3 cut alike; the model says whether whole words come first.
        out.writeUTF(model.preTokenizer() == PreTokenizer.LLAMA3 ? PreTokenizer.CL100K.name() : model.preTokenizer().name());
        out.writeBoolean(model.ignoreMerges());
        out.writeInt(model.tokens().length);
        for (byte[] token : model.tokens()) {
            out.writeInt(token == null ? -1 : token.length);
            out.write(token == null ? new byte[0] : token);
        }
        out.writeInt(model.left().length);
        for (int i = 0; i < model.left().length; i++) {
            out.writeInt(model.left()[i]);
            out.writeInt(model.right()[i]);
            out.writeInt(model.merged()[i]);
        }
        out.writeInt(model.added().size());
        for (AddedToken token : model.added()) {
            out.writeInt(token.id());
            out.writeUTF(token.content());
            out.writeBoolean(token.normalized());
            out.writeBoolean(token.stripLeft());
            out.writeBoolean(token.stripRight());
        }
    }
}
