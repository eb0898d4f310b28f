package org.longhaul.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Finds added tokens in text, leftmost then longest, as Hugging Face does: all that are not normalized first, then the others between them. */
final class AddedTokenMatcher {
    private final AddedToken[] tokens;
    private final byte[][] contents;
    private final boolean[] first = new boolean[256];
    /** The matcher for what lies between this one's matches, or null. */
    final AddedTokenMatcher inner;

    private AddedTokenMatcher(List<AddedToken> list, AddedTokenMatcher inner) {
        List<AddedToken> sorted = new ArrayList<>(list);
        byte[][] bytes = new byte[list.size()][];
        sorted.sort((a, b) -> Integer.compare(utf8(b).length, utf8(a).length));
        tokens = sorted.toArray(new AddedToken[0]);
        for (int i = 0; i < tokens.length; i++) {
            bytes[i] = utf8(tokens[i]);
            first[bytes[i][0] & 0xFF] = true;
        }
        contents = bytes;
        this.inner = inner;
    }

    /** The matcher of these tokens, or null when there are none. */
    static AddedTokenMatcher of(List<AddedToken> added) {
        AddedTokenMatcher matcher = null;
        for (boolean normalized : new boolean[] {true, false}) {
            List<AddedToken> chosen = added.stream().filter(t -> t.normalized() == normalized && !t.content().isEmpty()).toList();
            if (!chosen.isEmpty()) {
                matcher = new AddedTokenMatcher(chosen, matcher);
            }
        }
        return matcher;
    }

    private static byte[] utf8(AddedToken token) {
        return token.content().getBytes(StandardCharsets.UTF_8);
    }

    /** Where the next added token starts, at or after {@code from}; {@code to} when there is none. */
    int find(byte[] text, int from, int to) {
        for (int at = from; at < to; at++) {
            if (first[text[at] & 0xFF] && indexAt(text, at, to) >= 0) {
                return at;
            }
        }
        return to;
    }

    /** The token that {@link #find} found at {@code at}. */
    AddedToken tokenAt(byte[] text, int at, int to) {
        return tokens[indexAt(text, at, to)];
    }

    int lengthAt(byte[] text, int at, int to) {
        return contents[indexAt(text, at, to)].length;
    }

    private int indexAt(byte[] text, int at, int to) {
        for (int i = 0; i < contents.length; i++) {
            byte[] content = contents[i];
            if (to - at >= content.length && text[at + content.length - 1] == content[content.length - 1]
                    && Arrays.equals(text, at, at + content.length, content, 0, content.length)) {
                return i;
            }
        }
        return -1;
    }

    /** The position at which the white space that ends before {@code at} starts, not before {@code from}. */
    static int stripLeft(byte[] text, int from, int at) {
        while (at > from) {
            int start = at - 1;
            while (start > from && (text[start] & 0xC0) == 0x80) {
                start--;
            }
            int c = Utf8.classAt(text, start, at);
            if ((c & UnicodeClasses.SPACE) == 0 || start + (c >> 8) != at) {
                return at;
            }
            at = start;
        }
        return at;
    }

    /** The position behind the white space that starts at {@code at}. */
    static int stripRight(byte[] text, int at, int to) {
        while (at < to) {
            int c = Utf8.classAt(text, at, to);
            if ((c & UnicodeClasses.SPACE) == 0) {
                return at;
            }
            at += c >> 8;
        }
        return at;
    }
}
