package org.longhaul.data.extract;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeFilter;
import org.jsoup.select.NodeTraversor;

/** Cuts a page into blocks in document order; one walk, no recursion. */
final class BlockBuilder implements NodeFilter {
    private static final Set<String> HEADINGS = Set.of("h1", "h2", "h3", "h4", "h5", "h6");
    private static final Set<String> ITEMS = Set.of("li", "dt", "dd");
    private static final Set<String> BREAKS = Set.of(
            "address", "article", "aside", "blockquote", "body", "caption", "center", "details", "div", "dl", "fieldset",
            "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "main", "nav", "ol", "p", "pre", "section",
            "summary", "table", "tbody", "tfoot", "thead", "tr", "ul", "legend", "html");

    private final Boilerplate boilerplate;
    private final boolean keepTables;
    private final List<Block> blocks = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private int characters;
    private int linkCharacters;
    private int links;
    private int preformatted;
    private boolean space;

    private BlockBuilder(Boilerplate boilerplate, boolean keepTables) {
        this.boilerplate = boilerplate;
        this.keepTables = keepTables;
    }

    static List<Block> blocks(Element body, Boilerplate boilerplate, boolean keepTables) {
        BlockBuilder builder = new BlockBuilder(boilerplate, keepTables);
        NodeTraversor.filter(builder, body);
        builder.flush(body);
        return builder.blocks;
    }

    @Override
    public FilterResult head(Node node, int depth) {
        if (node instanceof TextNode textNode) {
            append(textNode.getWholeText());
            return FilterResult.CONTINUE;
        }
        if (!(node instanceof Element element)) {
            return FilterResult.CONTINUE;
        }
        if (boilerplate.drops(element)) {
            // A block that is left out still separates what stands around it.
            if (breaks(element)) {
                flush(above(element));
            }
            return FilterResult.SKIP_ENTIRELY;
        }
        String tag = element.normalName();
        if (tag.equals("br")) {
            lineBreak();
        } else if (isCell(element)) {
            if (text.length() > 0) {
                text.append(" | ");
                space = false;
            }
        } else if (breaks(element)) {
            flush(above(element));
        }
        if (tag.equals("a")) {
            links++;
        } else if (tag.equals("pre")) {
            preformatted++;
        }
        return FilterResult.CONTINUE;
    }

    @Override
    public FilterResult tail(Node node, int depth) {
        if (node instanceof Element element) {
            String tag = element.normalName();
            if (!isCell(element) && breaks(element)) {
                flush(element);
            }
            if (tag.equals("a")) {
                links--;
            } else if (tag.equals("pre")) {
                preformatted--;
            }
        }
        return FilterResult.CONTINUE;
    }

    private static Element above(Element element) {
        return element.parent() == null ? element : element.parent();
    }

    private static boolean breaks(Element element) {
        String tag = element.normalName();
        return BREAKS.contains(tag) || HEADINGS.contains(tag) || ITEMS.contains(tag) || tag.equals("td") || tag.equals("th");
    }

    /** A cell of plain text belongs to its row; one with blocks in it is layout. */
    private boolean isCell(Element element) {
        String tag = element.normalName();
        if (!keepTables || !tag.equals("td") && !tag.equals("th")) {
            return false;
        }
        for (Element child = element.firstElementChild(); child != null; child = child.nextElementSibling()) {
            if (breaks(child)) {
                return false;
            }
        }
        return true;
    }

    private void lineBreak() {
        while (text.length() > 0 && text.charAt(text.length() - 1) == ' ') {
            text.setLength(text.length() - 1);
        }
        if (text.length() > 0) {
            text.append('\n');
        }
        space = false;
    }

    private void append(String content) {
        if (preformatted > 0) {
            text.append(content);
            count(content);
            return;
        }
        for (int i = 0; i < content.length(); i++) {
            char c = content.charAt(i);
            if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
                space = true;
                continue;
            }
            if (space && text.length() > 0 && text.charAt(text.length() - 1) != '\n' && text.charAt(text.length() - 1) != ' ') {
                text.append(' ');
            }
            space = false;
            text.append(c);
        }
        count(content);
    }

    private void count(String content) {
        int visible = 0;
        for (int i = 0; i < content.length(); i++) {
            visible += content.charAt(i) > ' ' ? 1 : 0;
        }
        characters += visible;
        linkCharacters += links > 0 ? visible : 0;
    }

    private void flush(Element container) {
        if (characters > 0) {
            String content = preformatted > 0 ? text.toString().stripTrailing() : text.toString().strip();
            while (content.startsWith("\n")) {
                content = content.substring(1);
            }
            content = content.startsWith("| ") ? content.substring(2) : content;
            blocks.add(new Block(kind(container), container, content, linkCharacters, characters));
        }
        text.setLength(0);
        characters = 0;
        linkCharacters = 0;
        space = false;
    }

    private Block.Kind kind(Element container) {
        if (preformatted > 0) {
            return Block.Kind.PREFORMATTED;
        }
        String tag = container.normalName();
        if (HEADINGS.contains(tag)) {
            return Block.Kind.HEADING;
        }
        if (ITEMS.contains(tag)) {
            return Block.Kind.ITEM;
        }
        if (tag.equals("tr")) {
            return Block.Kind.ROW;
        }
        // A paragraph that fills a list item is the item.
        Element parent = container.parent();
        if (tag.equals("p") && parent != null && ITEMS.contains(parent.normalName()) && container.elementSiblingIndex() == 0) {
            return Block.Kind.ITEM;
        }
        return tag.equals("p") || tag.equals("blockquote") ? Block.Kind.PARAGRAPH : Block.Kind.OTHER;
    }
}
