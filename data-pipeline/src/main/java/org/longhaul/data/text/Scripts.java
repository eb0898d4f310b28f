package org.longhaul.data.text;

/** Ranges of scripts that are written without spaces between words. */
public final class Scripts {
    private Scripts() {}

    /** Han ideographs of all planes, compatibility ones included, and the iteration marks 々 〆 〇. */
    public static boolean isHan(int c) {
        return c >= 0x4E00 && c <= 0x9FFF
                || c >= 0x3400 && c <= 0x4DBF
                || c >= 0x3005 && c <= 0x3007
                || c >= 0xF900 && c <= 0xFAFF
                || c >= 0x20000 && c <= 0x323AF;
    }

    /** Hiragana letters. */
    public static boolean isHiragana(int c) {
        return c >= 0x3041 && c <= 0x309F;
    }

    /** Katakana letters, half-width ones and the length mark included, the middle dot excluded. */
    public static boolean isKatakana(int c) {
        return c >= 0x30A1 && c <= 0x30FF && c != 0x30FB || c >= 0x31F0 && c <= 0x31FF || c >= 0xFF66 && c <= 0xFF9F;
    }

    /** Hangul syllables and jamo; written with spaces. */
    public static boolean isHangul(int c) {
        return c >= 0xAC00 && c <= 0xD7A3 || c >= 0x1100 && c <= 0x11FF || c >= 0x3131 && c <= 0x318E;
    }

    /** Whether words of this character's script are not separated by spaces. */
    public static boolean isUnsegmented(int c) {
        if (c < 0x0E01) {
            return false;
        }
        if (c <= 0x17DF) {
            return c <= 0x0E3A || c >= 0x0E40 && c <= 0x0E4E
                    || c >= 0x0E81 && c <= 0x0EDF && !(c >= 0x0ED0 && c <= 0x0ED9)
                    || c >= 0x1000 && c <= 0x103F || c >= 0x1050 && c <= 0x109F && !(c >= 0x1090 && c <= 0x1099)
                    || c >= 0x1780 && c <= 0x17D3;
        }
        return isHan(c) || isHiragana(c) || isKatakana(c);
    }
}
