package org.longhaul.data.text;

import java.util.List;

/** Replaces e-mail addresses and public IPv4 addresses. Linear in the text; thread-safe. */
public final class PersonalData {
    private final PersonalDataSettings settings;

    /** With the given settings. */
    public PersonalData(PersonalDataSettings settings) {
        this.settings = settings;
    }

    /** A text and how many places were replaced in it. */
    public record Replaced(String text, int emails, int ipAddresses) {}

    /** Replaces in one text; the examples start anew for each text, so equal texts stay equal. */
    public Replaced replace(String text) {
        int emails = 0;
        int addresses = 0;
        String current = text;
        if (settings.emails() && text.indexOf('@') >= 0) {
            StringBuilder out = new StringBuilder(text.length());
            emails = replaceEmails(current, out, settings.emailReplacements());
            current = emails > 0 ? out.toString() : current;
        }
        if (settings.ipAddresses()) {
            StringBuilder out = new StringBuilder(current.length());
            addresses = replaceIpAddresses(current, out, settings.ipReplacements());
            current = addresses > 0 ? out.toString() : current;
        }
        return new Replaced(current, emails, addresses);
    }

    private static int replaceEmails(String text, StringBuilder out, List<String> examples) {
        int done = 0;
        int count = 0;
        for (int at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
            int start = at;
            while (start > done && isLocal(text.charAt(start - 1))) {
                start--;
            }
            while (start < at && text.charAt(start) == '.') {
                start++;
            }
            int end = domainEnd(text, at + 1);
            if (start < at && text.charAt(at - 1) != '.' && end > 0) {
                out.append(text, done, start).append(examples.get(count++ % examples.size()));
                done = end;
            }
        }
        out.append(text, done, text.length());
        return count;
    }

    private static boolean isLocal(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || "._%+-".indexOf(c) >= 0;
    }

    /** End of a domain with at least two labels, the last of two letters or more; −1 if there is none. */
    private static int domainEnd(String text, int from) {
        int end = -1;
        int label = from;
        int labels = 0;
        for (int i = from; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : ' ';
            boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
            if (letter || c >= '0' && c <= '9' || c == '-') {
                continue;
            }
            boolean sound = i > label && text.charAt(label) != '-' && text.charAt(i - 1) != '-';
            if (!sound) {
                return end;
            }
            labels++;
            if (labels >= 2 && i - label >= 2 && allLetters(text, label, i)) {
                end = i;
            }
            if (c != '.') {
                return end;
            }
            label = i + 1;
        }
        return end;
    }

    private static boolean allLetters(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (!(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')) {
                return false;
            }
        }
        return true;
    }

    private static int replaceIpAddresses(String text, StringBuilder out, List<String> examples) {
        int done = 0;
        int count = 0;
        int n = text.length();
        int i = 0;
        while (i < n) {
            if (!isDigit(text.charAt(i)) || i > 0 && (isDigit(text.charAt(i - 1)) || text.charAt(i - 1) == '.')) {
                i++;
                continue;
            }
            int[] parts = new int[4];
            int end = parse(text, i, parts);
            if (end > 0 && isPublic(parts)) {
                out.append(text, done, i).append(examples.get(count++ % examples.size()));
                done = end;
            }
            i = Math.max(i + 1, end);
        }
        out.append(text, done, n);
        return count;
    }

    private static int parse(String text, int from, int[] parts) {
        int i = from;
        for (int part = 0; part < 4; part++) {
            int start = i;
            int value = 0;
            while (i < text.length() && isDigit(text.charAt(i)) && i - start < 3) {
                value = value * 10 + text.charAt(i++) - '0';
            }
            if (i == start || value > 255 || i - start > 1 && text.charAt(start) == '0') {
                return -1;
            }
            parts[part] = value;
            if (part < 3 && (i >= text.length() || text.charAt(i++) != '.')) {
                return -1;
            }
        }
        boolean longer = i < text.length() && isDigit(text.charAt(i))
                || i + 1 < text.length() && text.charAt(i) == '.' && isDigit(text.charAt(i + 1));
        return longer ? -1 : i;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    /** Globally routable, by the IANA registry of special-purpose addresses. */
    static boolean isPublic(int[] p) {
        boolean special = p[0] == 0
                || p[0] == 10
                || p[0] == 127
                || p[0] >= 224
                || p[0] == 100 && p[1] >= 64 && p[1] < 128
                || p[0] == 169 && p[1] == 254
                || p[0] == 172 && p[1] >= 16 && p[1] < 32
                || p[0] == 192 && p[1] == 168
                || p[0] == 192 && p[1] == 0 && (p[2] == 0 || p[2] == 2)
                || p[0] == 198 && (p[1] == 18 || p[1] == 19)
                || p[0] == 198 && p[1] == 51 && p[2] == 100
                || p[0] == 203 && p[1] == 0 && p[2] == 113;
        return !special;
    }
}
