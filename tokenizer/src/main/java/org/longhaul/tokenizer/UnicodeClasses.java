package org.longhaul.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * One byte of class bits for every code point. The generic classes are pinned to what Hugging Face's pre-tokenizers answer
 * (resource {@code unicode-classes.txt}) and not taken from {@link Character}: the Unicode version of the JDK must not change ids.
 */
final class UnicodeClasses {
    /** White space of the regex engine, {@code \s}. */
    static final int SPACE = 1;
    /** {@code \p{L}}. */
    static final int LETTER = 2;
    /** {@code \p{N}} of the regex engine. */
    static final int NUMBER = 4;
    /** What the Digits step isolates: general categories Nd, Nl and No, in the version the library was built with. */
    static final int NUMERIC = 8;
    /** Cased letters of DeepSeek LLM's second step. */
    static final int DEEPSEEK_LETTER = 16;
    /** Punctuation of DeepSeek LLM's third step; contains ASCII and full-width letters, as published. */
    static final int DEEPSEEK_PUNCTUATION = 32;
    /** Han, kana, Hangul and every script in U+0800 to U+4DFF: DeepSeek LLM's fifth step. */
    static final int DEEPSEEK_CJK = 64;
    /** Carriage return and line feed. */
    static final int NEWLINE = 128;

    private static final String DEEPSEEK_LETTERS = "41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 "
            + "37B-37D 37F 386 388-38A 38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA "
            + "1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D "
            + "1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 "
            + "2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 "
            + "2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 "
            + "FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF "
            + "1E900-1E943";
    private static final String DEEPSEEK_PUNCTUATIONS = "21-2F 3A-7E FF01-FF0F FF1A-FF5E 2018-201F 3000-3002";
    private static final String DEEPSEEK_CJKS = "800-9FA5 AC00-D7FF";

    /** Indexed by code point; only the pages of scripts in use are touched. */
    static final byte[] OF = table();

    private UnicodeClasses() {}

    private static byte[] table() {
        byte[] table = new byte[0x110000];
        try (InputStream in = UnicodeClasses.class.getResourceAsStream("unicode-classes.txt");
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (!line.startsWith("#")) {
                    int blank = line.indexOf(' ');
                    mark(table, bit(line.substring(0, blank)), line.substring(blank + 1));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        mark(table, DEEPSEEK_LETTER, DEEPSEEK_LETTERS);
        mark(table, DEEPSEEK_PUNCTUATION, DEEPSEEK_PUNCTUATIONS);
        mark(table, DEEPSEEK_CJK, DEEPSEEK_CJKS);
        mark(table, NEWLINE, "A D");
        return table;
    }

    private static int bit(String name) {
        return switch (name) {
            case "space" -> SPACE;
            case "letter" -> LETTER;
            case "number" -> NUMBER;
            case "numeric" -> NUMERIC;
            default -> throw new IllegalStateException("unicode-classes.txt: unknown class " + name);
        };
    }

    private static void mark(byte[] table, int bit, String ranges) {
        for (String range : ranges.split(" ")) {
            int dash = range.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash), 16);
            int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1), 16);
            for (int c = first; c <= last; c++) {
                table[c] |= (byte) bit;
            }
        }
    }
}
