package org.longhaul.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Turns ids into text one at a time and holds back the bytes of a character that is not complete yet. Not thread-safe. */
public final class StreamingDecoder {
    private final Tokenizer tokenizer;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] pending = new byte[16];
    private int size;

    StreamingDecoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** The characters that are complete with this token; bytes that can never be completed become U+FFFD. */
    public String next(int id) {
        byte[] bytes = tokenizer.tokenBytes(id);
        if (pending.length < size + bytes.length) {
            pending = java.util.Arrays.copyOf(pending, 2 * (size + bytes.length));
        }
        System.arraycopy(bytes, 0, pending, size, bytes.length);
        return decode(size + bytes.length, false);
    }

    /** What is left at the end: U+FFFD for an incomplete character, else nothing. The decoder can be used again afterwards. */
    public String finish() {
        String rest = decode(size, true);
        decoder.reset();
        return rest;
    }

    private String decode(int length, boolean last) {
        ByteBuffer in = ByteBuffer.wrap(pending, 0, length);
        CharBuffer out = CharBuffer.allocate(length + 2);
        decoder.decode(in, out, last);
        if (last) {
            decoder.flush(out);
        }
        size = in.remaining();
        System.arraycopy(pending, in.position(), pending, 0, size);
        return out.flip().toString();
    }
}
