package org.longhaul.data.extract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.longhaul.data.SharedData;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.read.Position;
import org.longhaul.data.read.ReadSettings;
import org.longhaul.data.read.RecordFiles;
import org.longhaul.data.read.RecordReader;
import org.longhaul.data.text.TextSettings;

class HtmlExtractorTest {
    private final HtmlExtractor extractor = new HtmlExtractor(HtmlSettings.defaults());

    private static final String ONE = "The first paragraph tells at some length what the whole story is about, and it ends with a full stop.";
    private static final String TWO = "The second paragraph has a <a href='/x'>link to somewhere</a> in the middle of its text, as good text often has.";
    private static final String PAGE = """
            <!doctype html><html><head><title> A  title </title><style>p{}</style><script>var x = "script text";</script></head>
            <body class="has-sidebar"><header class="site"><a href="/">Home</a> <span>Site name of the publisher</span></header>
            <nav><ul><li><a href="/a">Section A</a></li><li><a href="/b">Section B</a></li></ul></nav>
            <div id="cookie-banner"><p>We would like to store files on your device, and this sentence is long enough to look good.</p></div>
            <div class="layout with-sidebar"><div class="content">
            <h1>Headline</h1>
            <p>%s</p>
            <h2>A part</h2>
            <p>%s</p>
            <ul><li>first point of the list</li><li><p>second point of the list</p></li></ul>
            <pre><code>int main() {
                return 0;
            }</code></pre>
            <table><tr><th>Name</th><th>Value</th></tr><tr><td>alpha</td><td>1</td></tr></table>
            <p>The last paragraph closes the article with one more sentence<br>on a second line that makes it long enough.</p>
            <div style="display: none">Hidden text that no reader sees, though it is long enough to be taken for content.</div>
            </div><div class="sidebar-right"><p>Teaser for another story that is long enough to look like a good paragraph, it seems.</p></div></div>
            <div class="commentsList comments"><p>A reader's comment that is long enough to look like a good paragraph, it seems to me.</p></div>
            <footer><p>© 2026 The publisher. All rights reserved. Imprint and terms of the site can be found on another page.</p></footer>
            </body></html>""".formatted(ONE, TWO);

    private String text(String html) {
        return extractor.extract(html.getBytes(StandardCharsets.UTF_8), "text/html; charset=utf-8").text();
    }

    @Test
    void articleIsKeptAndEverythingAroundItIsNot() {
        String expected = "Headline\n\n" + ONE + "\n\nA part\n\n" + TWO.replaceAll("<[^>]*>", "")
                + "\n\n- first point of the list\n- second point of the list\n\n"
                + "int main() {\n    return 0;\n}\n\nName | Value\nalpha | 1\n\n"
                + "The last paragraph closes the article with one more sentence\non a second line that makes it long enough.";
        assertEquals(expected, text(PAGE));
        HtmlExtractor.Page page = extractor.extract(PAGE.getBytes(StandardCharsets.UTF_8), "");
        assertEquals("A title", page.title());
        assertEquals("UTF-8", page.charset());
        assertFalse(page.truncated());
    }

    @Test
    void denseScriptsNeedFewerCharacters() {
        String japanese = "<body><nav><a href=/>ホーム</a></nav><main><h1>見出し</h1><p>委員会は木曜日に再び会合を開き、新しい提案について話し合うことになった。"
                + "結果は来週発表される。</p><p>市民からは<ruby>期待<rt>きたい</rt></ruby>の声も上がっている。</p></main>";
        assertEquals("見出し\n\n委員会は木曜日に再び会合を開き、新しい提案について話し合うことになった。結果は来週発表される。\n\n市民からは期待の声も上がっている。", text(japanese));
    }

    @Test
    void pagesOfLinksHaveNoMainText() {
        StringBuilder links = new StringBuilder("<body><ul>");
        for (int i = 0; i < 200; i++) {
            links.append("<li><a href='/p").append(i).append("'>Read the full story number ").append(i).append(" here</a></li>");
        }
        assertEquals("", text(links + "</ul>"));
        assertEquals("", text(""));
        assertEquals("", text("<html><frameset></frameset></html>"));
    }

    @Test
    void charsetComesFromMarkHeaderMetaOrBytes() {
        String words = "Über größere Änderungen an der Straße wird später berichtet, sagte die Behörde am Dienstag in einer Erklärung.";
        String html = "<body><p>" + words + "</p><p>" + words + "</p>";
        for (String charset : List.of("UTF-8", "windows-1252", "UTF-16LE", "UTF-16BE")) {
            byte[] bytes = html.getBytes(Charset.forName(charset));
            String header = charset.startsWith("UTF-16") ? "text/html; charset=" + charset : "text/html";
            assertTrue(extractor.extract(bytes, header).text().contains(words), charset);
        }
        byte[] marked = ("\uFEFF" + html).getBytes(StandardCharsets.UTF_16LE);
        assertTrue(extractor.extract(marked, "text/html").text().contains(words));
        assertTrue(extractor.extract(html.getBytes(StandardCharsets.UTF_8), "text/html; charset=iso-8859-1").text().contains(words),
                "well-formed UTF-8 beats a wrong header");
        String chinese = "这是一个足够长的中文段落，用来测试字符编码的识别，它应该被正确地读取出来并且保留下来。";
        String meta = "<head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=gb2312\"></head><p>" + chinese + "</p>";
        assertTrue(extractor.extract(meta.getBytes(Charset.forName("GB18030")), "").text().contains(chinese));
        String cyrillic = "Комитет снова соберётся в четверг, чтобы обсудить новое предложение о строительстве моста через реку.";
        byte[] koi = ("<p>" + cyrillic + "</p>").getBytes(Charset.forName("KOI8-R"));
        assertTrue(extractor.extract(koi, "text/html; charset=koi8-r").text().contains(cyrillic));
        byte[] cut = html.getBytes(StandardCharsets.UTF_8);
        byte[] inside = java.util.Arrays.copyOf(cut, html.substring(0, html.indexOf("Änderungen")).getBytes(StandardCharsets.UTF_8).length + 1);
        assertEquals("UTF-8", extractor.extract(inside, "").charset(), "a page cut inside a character");
        assertEquals(1, extractor.extract(new byte[] {'a', (byte) 0xFF, 'b'}, "text/html; charset=utf-8").repairs());
    }

    @Test
    void namesAreMatchedAsWholeParts() {
        assertTrue(Boilerplate.named("site-nav"));
        assertTrue(Boilerplate.named("cookieBanner"));
        assertTrue(Boilerplate.named("x share_bar"));
        assertFalse(Boilerplate.named("navigate-well article-shared"));
        assertFalse(Boilerplate.named("unrelated loaded adsorption"));
    }

    @Test
    void hostilePagesEndInBoundedTime() {
        String deep = "<div>".repeat(200_000) + "<p>" + ONE + "</p>";
        assertTrue(text(deep).contains("first paragraph"));
        String unclosed = "<p><b><i><a href=x>".repeat(20_000) + ONE;
        assertTrue(text(unclosed).length() >= 0);
        StringBuilder table = new StringBuilder("<table>");
        for (int i = 0; i < 100_000; i++) {
            table.append("<tr><td>").append(i).append("<td>x");
        }
        assertTrue(text(table.toString()).length() >= 0);
        HtmlExtractor small = new HtmlExtractor(new HtmlSettings(2048, 64, 0, true));
        HtmlExtractor.Page page = small.extract(("<p>" + (ONE + " ").repeat(100)).getBytes(StandardCharsets.UTF_8), "");
        assertTrue(page.truncated());
        assertTrue(page.text().length() <= 2048);
    }

    @Test
    void randomMarkupNeverFailsAndEqualPagesGiveEqualText() {
        String[] parts = {
            "<p>", "</p>", "<div class='nav main'>", "</div>", "<a href=x>", "</a>", "<table><tr><td>", "</table>", "<li>", "<ul>", "</ul>",
            "<pre>", "</pre>", "<br>", "<h1>", "</h1>", "&amp;", "&#0;", "<!-- ", "-->", "<script>", "</script>", "<", ">", "\"", "\u0000",
            "Some words that are text. ", "中文句子。", "<article>", "</article>", "<svg><title>", "</svg>", "<template>", "<select>", "<body>"
        };
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            StringBuilder html = new StringBuilder();
            for (int i = random.nextInt(120); i > 0; i--) {
                html.append(parts[random.nextInt(parts.length)]);
            }
            String once = text(html.toString());
            text(PAGE);
            assertEquals(once, text(html.toString()), "seed " + seed);
        }
    }

    @Test
    void recordsBecomeDocuments() {
        DocumentSource source = new DocumentSource(HtmlSettings.defaults(), TextSettings.defaults());
        InputRecord page = new InputRecord("f", new Position(0, 0), "r", "s", "", "u",
                new InputRecord.Html(PAGE.getBytes(StandardCharsets.UTF_8), ""), 0);
        DocumentSource.Outcome outcome = source.toDocument(page);
        assertTrue(outcome.document().orElseThrow().text().startsWith("Headline\n\nThe first"));
        assertEquals(page.id(), outcome.document().orElseThrow().id());
        InputRecord empty = new InputRecord("f", new Position(0, 0), "r", "s", "", "u",
                new InputRecord.Html("<p>x".getBytes(StandardCharsets.UTF_8), ""), 0);
        assertEquals("no_main_text", source.toDocument(empty).verdict().reason());
        InputRecord blank = new InputRecord("f", new Position(0, 0), "r", "s", "", "u", new InputRecord.Text("\u200B \n"), 0);
        assertEquals("empty", source.toDocument(blank).verdict().reason());
    }

    @Test
    void realPageGivesItsArticle() {
        Path file = SharedData.require("warc/whirlwind.warc.gz");
        String[] found = new String[1];
        try (RecordReader reader = RecordFiles.open(
                new Configuration(false), new org.apache.hadoop.fs.Path(file.toUri()), "cc", ReadSettings.defaults())) {
            reader.forEachRemaining(r -> {
                if (r instanceof InputRecord record) {
                    InputRecord.Html html = (InputRecord.Html) record.body();
                    found[0] = extractor.extract(html.bytes(), html.contentType()).text();
                }
            });
        }
        assertTrue(found[0].startsWith("Escopete\n\n"), found[0]);
        assertTrue(found[0].contains("Escopete ye un municipio d'a provincia de Guadalachara"), found[0]);
        assertTrue(found[0].contains("Ye situato a 860 metros d'altaria"));
        assertTrue(found[0].endsWith("Guerra Civil espanyola."), found[0]);
        for (String chrome : List.of("Menú principal", "Biquipedia, a enciclopedia libre", "Crear cuenta", "cookies", "Categoría", "Editar")) {
            assertFalse(found[0].contains(chrome), chrome);
        }
    }
}
