package org.longhaul.data.extract;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.data.read.Utf8;

/**
 * The character encoding of a page: byte order mark, then the HTTP header, then a declaration in the first 4096 bytes, then UTF-8
 * if the bytes are well-formed, else Windows-1252. A page that is well-formed UTF-8 beyond ASCII is UTF-8 whatever it declares:
 * wrong declarations are common, accidental well-formedness is not.
 */
final class PageCharset {
    private static final int SNIFFED = 4096;
    private static final Pattern HEADER = Pattern.compile("charset\\s*=\\s*[\"']?([^\\s\"';,]+)", Pattern.CASE_INSENSITIVE);
    private static final Pattern META =
            Pattern.compile("<meta[^>]{0,200}?charset\\s*=\\s*[\"']?\\s*([^\\s\"'/>;]+)", Pattern.CASE_INSENSITIVE);
    private static final Pattern XML = Pattern.compile("<\\?xml[^>]{0,100}?encoding\\s*=\\s*[\"']([^\"']+)");

    /** What browsers read labels as (WHATWG Encoding), where that differs from the JDK's reading. */
    private static final Map<String, String> ALIASES = Map.ofEntries(
            Map.entry("iso-8859-1", "windows-1252"), Map.entry("iso8859-1", "windows-1252"), Map.entry("latin1", "windows-1252"),
            Map.entry("us-ascii", "windows-1252"), Map.entry("ascii", "windows-1252"), Map.entry("iso-8859-9", "windows-1254"),
            Map.entry("gb2312", "GB18030"), Map.entry("gbk", "GB18030"), Map.entry("x-gbk", "GB18030"),
            Map.entry("shift_jis", "windows-31j"), Map.entry("shift-jis", "windows-31j"), Map.entry("sjis", "windows-31j"),
            Map.entry("x-sjis", "windows-31j"), Map.entry("euc-kr", "x-windows-949"), Map.entry("ks_c_5601-1987", "x-windows-949"),
            Map.entry("big5", "Big5-HKSCS"), Map.entry("tis-620", "x-windows-874"), Map.entry("utf8", "UTF-8"),
            Map.entry("unicode", "UTF-16LE"), Map.entry("utf-16", "UTF-16LE"));

    private PageCharset() {}

    /** A page as text. */
    record Decoded(String text, String charset, int repairs) {}

    static Decoded decode(byte[] bytes, int length, String contentType) {
        if (starts(bytes, length, 0xEF, 0xBB, 0xBF)) {
            return utf8(bytes, 3, length);
        }
        if (starts(bytes, length, 0xFE, 0xFF)) {
            return other(bytes, 2, length, StandardCharsets.UTF_16BE);
        }
        if (starts(bytes, length, 0xFF, 0xFE)) {
            return other(bytes, 2, length, StandardCharsets.UTF_16LE);
        }
        Optional<Charset> declared = named(HEADER, contentType);
        if (declared.isEmpty()) {
            String head = new String(bytes, 0, Math.min(length, SNIFFED), StandardCharsets.ISO_8859_1);
            declared = named(META, head).or(() -> named(XML, head));
            // A declaration that could be read byte by byte is not UTF-16.
            declared = declared.map(c -> c.name().startsWith("UTF-16") ? StandardCharsets.UTF_8 : c);
        }
        if (declared.isPresent() && declared.get().name().startsWith("UTF-16")) {
            return other(bytes, 0, length, declared.get());
        }
        int whole = withoutCutCharacter(bytes, length);
        if (Utf8.isWellFormed(bytes, 0, whole)) {
            boolean ascii = true;
            for (int i = 0; i < whole && ascii; i++) {
                ascii = bytes[i] >= 0;
            }
            // ISO-2022-JP and the like are ASCII bytes.
            if (!ascii || declared.isEmpty()) {
                return utf8(bytes, 0, whole);
            }
        }
        if (declared.isPresent() && declared.get().equals(StandardCharsets.UTF_8)) {
            return utf8(bytes, 0, whole);
        }
        return other(bytes, 0, length, declared.orElse(Charset.forName("windows-1252")));
    }

    /** A page that was cut may end inside a character; that is no sign against UTF-8. */
    private static int withoutCutCharacter(byte[] bytes, int length) {
        int i = length;
        for (int back = 1; back <= 3 && back <= length; back++) {
            int b = bytes[length - back] & 0xFF;
            if (b >= 0xC0) {
                int size = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2;
                return size > back ? length - back : i;
            }
            if (b < 0x80) {
                break;
            }
        }
        return i;
    }

    private static Decoded utf8(byte[] bytes, int from, int to) {
        Utf8.Decoded decoded = Utf8.decode(bytes, from, to - from);
        return new Decoded(decoded.text(), "UTF-8", decoded.repairs());
    }

    private static Decoded other(byte[] bytes, int from, int to, Charset charset) {
        String text = new String(bytes, from, to - from, charset);
        int repairs = 0;
        for (int i = text.indexOf('\uFFFD'); i >= 0; i = text.indexOf('\uFFFD', i + 1)) {
            repairs++;
        }
        Utf8.Decoded sound = Utf8.repairSurrogates(text);
        return new Decoded(sound.text(), charset.name(), repairs + sound.repairs());
    }

    private static boolean starts(byte[] bytes, int length, int... mark) {
        if (length < mark.length) {
            return false;
        }
        for (int i = 0; i < mark.length; i++) {
            if ((bytes[i] & 0xFF) != mark[i]) {
                return false;
            }
        }
        return true;
    }

    private static Optional<Charset> named(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) {
            return Optional.empty();
        }
        String label = matcher.group(1).toLowerCase(Locale.ROOT);
        try {
            return Optional.of(Charset.forName(ALIASES.getOrDefault(label, label)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
