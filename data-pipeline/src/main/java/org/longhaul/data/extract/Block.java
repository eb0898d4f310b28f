package org.longhaul.data.extract;

import org.jsoup.nodes.Element;
import org.longhaul.data.text.Scripts;

/** A run of text between block boundaries, with what its class is told by. */
final class Block {
    /** What kind of element it comes from. */
    enum Kind {
        HEADING, PARAGRAPH, ITEM, ROW, PREFORMATTED, OTHER
    }

    /** What it is taken for. */
    enum Mark {
        GOOD, NEAR, SHORT, BAD
    }

    final Kind kind;
    final Element container;
    final String text;
    final double width;
    final double linkDensity;
    final boolean sentence;
    Mark mark;

    Block(Kind kind, Element container, String text, int linkCharacters, int characters) {
        this.kind = kind;
        this.container = container;
        this.text = text;
        this.width = width(text);
        this.linkDensity = characters == 0 ? 0 : (double) linkCharacters / characters;
        this.sentence = endsSentence(text);
    }

    /** Length where a character of a dense script counts for 2.5, about what it needs in letters. */
    private static double width(String text) {
        double width = 0;
        for (int i = 0; i < text.length(); i++) {
            width += Scripts.isUnsegmented(text.charAt(i)) ? 2.5 : 1;
        }
        return width;
    }

    private static boolean endsSentence(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean end = c == '.' || c == '!' || c == '?' || c == ':' || c == ';';
            if (c == '。' || c == '！' || c == '？' || c == '।' || c == '؟' || c == '۔') {
                return true;
            }
            if (end && i > 10 && (i + 1 == text.length() || text.charAt(i + 1) <= ' ' || text.charAt(i + 1) == '"')) {
                return true;
            }
        }
        return false;
    }
}
