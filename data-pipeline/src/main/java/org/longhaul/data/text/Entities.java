package org.longhaul.data.text;

import java.util.Map;

/**
 * Decodes left-over HTML entities. A text that has tags is markup or code, where an entity may be meant; it is left alone.
 * Only entities with a semicolon are decoded, once (so {@code &amp;lt;} becomes {@code &lt;}).
 */
final class Entities {
    private static final int MAX_LENGTH = 10;
    private static final Map<String, String> NAMED = Map.ofEntries(
            Map.entry("amp", "&"), Map.entry("lt", "<"), Map.entry("gt", ">"), Map.entry("quot", "\""),
            Map.entry("apos", "'"), Map.entry("nbsp", " "), Map.entry("copy", "©"), Map.entry("reg", "®"),
            Map.entry("trade", "™"), Map.entry("hellip", "…"), Map.entry("mdash", "—"), Map.entry("ndash", "–"),
            Map.entry("lsquo", "‘"), Map.entry("rsquo", "’"), Map.entry("ldquo", "“"), Map.entry("rdquo", "”"),
            Map.entry("laquo", "«"), Map.entry("raquo", "»"), Map.entry("bull", "•"), Map.entry("middot", "·"),
            Map.entry("deg", "°"), Map.entry("times", "×"), Map.entry("euro", "€"), Map.entry("pound", "£"),
            Map.entry("yen", "¥"), Map.entry("sect", "§"), Map.entry("para", "¶"), Map.entry("eacute", "é"),
            Map.entry("egrave", "è"), Map.entry("agrave", "à"), Map.entry("ccedil", "ç"), Map.entry("uuml", "ü"),
            Map.entry("ouml", "ö"), Map.entry("auml", "ä"), Map.entry("szlig", "ß"), Map.entry("ntilde", "ñ"));

    private Entities() {}

    static String decode(String text) {
        int at = text.indexOf('&');
        if (at < 0 || hasTag(text)) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int done = 0;
        while (at >= 0) {
            int end = text.indexOf(';', at + 1);
            if (end < 0) {
                break;
            }
            String value = end - at <= MAX_LENGTH ? value(text.substring(at + 1, end)) : null;
            if (value != null) {
                out.append(text, done, at).append(value);
                done = end + 1;
                at = text.indexOf('&', done);
            } else {
                at = text.indexOf('&', at + 1);
            }
        }
        return out.append(text, done, text.length()).toString();
    }

    private static String value(String name) {
        if (!name.startsWith("#")) {
            return NAMED.get(name);
        }
        boolean hex = name.startsWith("#x") || name.startsWith("#X");
        try {
            int codePoint = Integer.parseInt(name.substring(hex ? 2 : 1), hex ? 16 : 10);
            boolean usable = codePoint >= 32 && codePoint <= 0x10FFFF && (codePoint < 0x7F || codePoint >= 0xA0)
                    && (codePoint < 0xD800 || codePoint > 0xDFFF);
            return usable ? Character.toString(codePoint) : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static boolean hasTag(String text) {
        for (int i = text.indexOf('<'); i >= 0 && i + 1 < text.length(); i = text.indexOf('<', i + 1)) {
            char next = text.charAt(i + 1);
            if (next == '/' || next == '!' || next >= 'a' && next <= 'z' || next >= 'A' && next <= 'Z') {
                return true;
            }
        }
        return false;
    }
}
