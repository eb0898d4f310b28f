package org.longhaul.tokenizer;

/** GPT-2's spelling of bytes as printable characters: 33-126, 161-172 and 174-255 stand for themselves, the rest for 256 upward. */
public final class ByteLevel {
    private static final char[] CHARS = new char[256];
    private static final short[] BYTES = new short[512];

    static {
        java.util.Arrays.fill(BYTES, (short) -1);
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean itself = b >= 33 && b <= 126 || b >= 161 && b <= 172 || b >= 174;
            CHARS[b] = itself ? (char) b : next++;
            BYTES[CHARS[b]] = (short) b;
        }
    }

    private ByteLevel() {}

    /** The character that stands for a byte. */
    public static char toChar(int b) {
        return CHARS[b & 0xFF];
    }

    /** The spelling of a token. */
    public static String spell(byte[] bytes) {
        char[] chars = new char[bytes.length];
        for (int i = 0; i < chars.length; i++) {
            chars[i] = CHARS[bytes[i] & 0xFF];
        }
        return new String(chars);
    }

    /** The bytes that a token's spelling stands for, or null when a character stands for none. */
    public static byte[] bytes(String spelling) {
        byte[] bytes = new byte[spelling.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = spelling.charAt(i);
            if (c >= 512 || BYTES[c] < 0) {
                return null;
            }
            bytes[i] = (byte) BYTES[c];
        }
        return bytes;
    }
}
