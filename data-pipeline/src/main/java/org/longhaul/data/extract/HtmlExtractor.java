package org.longhaul.data.extract;

import java.util.List;
import java.util.Set;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jsoup.parser.Parser;

/**
 * Finds the main text of a web page: decode, parse, leave out what is boilerplate by name, cut into blocks, mark the blocks, choose
 * the region, write headings, paragraphs, list items, rows and preformatted text. It has no memory of other pages, so equal pages
 * always give equal text, and its work is linear in the size of the page. Thread-safe.
 */
final class HtmlExtractor {
    private final HtmlSettings settings;

    /** An extractor with the given settings. */
    HtmlExtractor(HtmlSettings settings) {
        this.settings = settings;
    }

    /**
     * What was found in a page.
     *
     * @param text the main text; empty when there is none
     * @param title the page's title element, white space folded
     * @param charset encoding that the page was read with
     * @param repairs ill-formed byte sequences replaced by U+FFFD
     * @param truncated whether the page was longer than {@code max_page_bytes}
     */
    record Page(String text, String title, String charset, int repairs, boolean truncated) {}

    /** Extracts one page from its bytes and its Content-Type header, which may be empty. */
    Page extract(byte[] bytes, String contentType) {
        int length = Math.min(bytes.length, settings.maxPageBytes());
        PageCharset.Decoded decoded = PageCharset.decode(bytes, length, contentType);
        Document page = Parser.htmlParser().setMaxDepth(settings.maxDepth()).parseInput(decoded.text(), "");
        Element body = page.body();
        List<Block> blocks = BlockBuilder.blocks(body, new Boilerplate(body), settings.keepTables());
        BlockClassifier.classify(blocks);
        Element region = MainRegion.of(body, blocks);
        Set<Element> inside = MainRegion.inside(region, blocks);
        List<Block> kept = blocks.stream()
                .filter(b -> b.mark == Block.Mark.GOOD && inside.contains(b.container))
                .toList();
        return new Page(render(kept), page.title(), decoded.charset(), decoded.repairs(), length < bytes.length);
    }

    private static String render(List<Block> blocks) {
        StringBuilder out = new StringBuilder();
        Block last = null;
        for (Block block : blocks) {
            if (last != null) {
                boolean list = block.kind == last.kind && (block.kind == Block.Kind.ITEM || block.kind == Block.Kind.ROW);
                out.append(list ? "\n" : "\n\n");
            }
            out.append(block.kind == Block.Kind.ITEM ? "- " : "").append(block.text);
            last = block;
        }
        return out.toString();
    }
}
