package org.longhaul.data.read;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 that never fails: each maximal ill-formed part becomes one U+FFFD (Unicode 15, section 3.9, "substitution of
 * maximal subparts") and is counted.
 */
public final class Utf8 {
    private Utf8() {}

    /**
     * A decoded text.
     *
     * @param text well-formed UTF-16
     * @param repairs replaced sequences
     */
    public record Decoded(String text, int repairs) {}

    /** Decodes a range of bytes. */
    public static Decoded decode(byte[] bytes, int offset, int length) {
        String text = new String(bytes, offset, length, StandardCharsets.UTF_8);
        // The decoder writes U+FFFD for every fault, so a text without it had none; a genuine U+FFFD is told apart below.
        if (text.indexOf('\uFFFD') < 0) {
            return new Decoded(text, 0);
        }
        return new Decoded(text, countFaults(bytes, offset, length));
    }

    private static int countFaults(byte[] bytes, int offset, int length) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes, offset, length);
        CharBuffer out = CharBuffer.allocate(8192);
        int faults = 0;
        while (true) {
            out.clear();
            CoderResult result = decoder.decode(in, out, true);
            if (result.isError()) {
                faults++;
                in.position(in.position() + result.length());
            } else if (result.isUnderflow()) {
                return faults;
            }
        }
    }

    /** Whether the bytes are well-formed UTF-8. */
    public static boolean isWellFormed(byte[] bytes, int offset, int length) {
        try {
            StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes, offset, length));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /** Replaces lone surrogates, which JSON escapes can smuggle in and UTF-8 cannot hold, by U+FFFD. */
    public static Decoded repairSurrogates(String text) {
        int i = 0;
        int n = text.length();
        while (i < n && !isLone(text, i)) {
            i++;
        }
        if (i == n) {
            return new Decoded(text, 0);
        }
        char[] chars = text.toCharArray();
        int repairs = 0;
        for (; i < n; i++) {
            if (isLone(text, i)) {
                chars[i] = '\uFFFD';
                repairs++;
            }
        }
        return new Decoded(new String(chars), repairs);
    }

    private static boolean isLone(String text, int i) {
        char c = text.charAt(i);
        if (!Character.isSurrogate(c)) {
            return false;
        }
        return Character.isHighSurrogate(c)
                ? i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1))
                : i == 0 || !Character.isHighSurrogate(text.charAt(i - 1));
    }
}
