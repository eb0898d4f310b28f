package org.longhaul.data.sample;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.longhaul.data.sample.SampleCorpus.Item;

/** Writes documents in the formats that the pipeline reads. */
final class SampleFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATE = "2026-01-01T00:00:00Z";

    private SampleFiles() {}

    static void jsonlGzip(Path file, List<Item> items, List<byte[]> broken) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            for (byte[] line : broken) {
                out.write(line);
                out.write('\n');
            }
            jsonl(out, items);
        }
    }

    static void jsonlZstd(Path file, List<Item> items) throws IOException {
        try (OutputStream out = new ZstdOutputStream(Files.newOutputStream(file), 9)) {
            jsonl(out, items);
        }
    }

    private static void jsonl(OutputStream out, List<Item> items) throws IOException {
        for (Item item : items) {
            ObjectNode record = JSON.createObjectNode().put("id", item.id());
            if (!item.language().isEmpty()) {
                record.put("lang", item.language());
            }
            out.write(JSON.writeValueAsBytes(record.put("text", item.plain().strip())));
            out.write('\n');
        }
    }

    /** HTML pages with menus, advertising and footers around the text; {@code boilerplate} are pages that have nothing else. */
    static void warc(Path file, List<Item> items, List<String> boilerplate) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            record(out, "warcinfo", null, "application/warc-fields", "software: longhaul sample corpus\r\nformat: WARC File Format 1.0\r\n".getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < items.size(); i++) {
                Item item = items.get(i);
                StringBuilder body = new StringBuilder("<article><h1>").append(escape(item.text().title())).append("</h1>\n");
                item.text().paragraphs().forEach(paragraph -> body.append("<p>").append(escape(paragraph)).append("</p>\n"));
                response(out, "https://example.org/" + item.id(), page(item.language(), item.text().title(), body.append("</article>").toString()));
            }
            for (int i = 0; i < boilerplate.size(); i++) {
                response(out, "https://example.org/menu-" + i, page("en", "Menu", boilerplate.get(i)));
            }
        }
    }

    private static String page(String language, String title, String body) {
        return "<!DOCTYPE html>\n<html lang=\"" + language + "\"><head><meta charset=\"utf-8\"><title>" + escape(title) + "</title>\n"
                + "<style>nav { color: #333 }</style><script>var tracker = { page: 1 };</script></head>\n<body>\n"
                + "<nav><ul><li><a href=\"/\">Home</a></li><li><a href=\"/news\">News</a></li><li><a href=\"/contact\">Contact</a></li></ul></nav>\n"
                + "<main>" + body + "</main>\n"
                + "<aside>Subscribe to our newsletter! <a href=\"/a\">Read also</a> <a href=\"/b\">Most read</a></aside>\n"
                + "<footer>© 2026 Example. All rights reserved. <a href=\"/imprint\">Imprint</a></footer>\n</body></html>\n";
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private static void response(OutputStream out, String address, String html) throws IOException {
        byte[] body = html.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream http = new ByteArrayOutputStream();
        http.write(("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " + body.length + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        http.write(body);
        record(out, "response", address, "application/http; msgtype=response", http.toByteArray());
    }

    /** The texts as Common Crawl's WET files hold them. */
    static void wet(Path file, List<Item> items) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            record(out, "warcinfo", null, "application/warc-fields", "software: longhaul sample corpus\r\n".getBytes(StandardCharsets.UTF_8));
            for (Item item : items) {
                record(out, "conversion", "https://example.net/" + item.id(), "text/plain", item.plain().strip().getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    /** One record in a gzip member of its own; its id depends on the content only. */
    private static void record(OutputStream out, String type, String address, String contentType, byte[] content) throws IOException {
        byte[] name = (type + " " + address).getBytes(StandardCharsets.UTF_8);
        String header = "WARC/1.0\r\nWARC-Type: " + type + "\r\nWARC-Record-ID: <urn:uuid:" + UUID.nameUUIDFromBytes(name) + ">\r\nWARC-Date: " + DATE + "\r\n"
                + (address == null ? "" : "WARC-Target-URI: " + address + "\r\n") + "Content-Type: " + contentType + "\r\nContent-Length: " + content.length + "\r\n\r\n";
        GZIPOutputStream member = new GZIPOutputStream(out);
        member.write(header.getBytes(StandardCharsets.UTF_8));
        member.write(content);
        member.write("\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        member.finish();
    }

    static void parquet(Path file, List<Item> items) throws IOException {
        MessageType schema = MessageTypeParser.parseMessageType(
                "message document { required binary id (STRING); required binary lang (STRING); required binary text (STRING); }");
        SimpleGroupFactory groups = new SimpleGroupFactory(schema);
        try (ParquetWriter<Group> writer = ExampleParquetWriter.builder(new LocalOutputFile(file)).withType(schema).withConf(new PlainParquetConfiguration())
                .withCompressionCodec(CompressionCodecName.ZSTD).withWriteMode(ParquetFileWriter.Mode.OVERWRITE).build()) {
            for (Item item : items) {
                writer.write(groups.newGroup().append("id", item.id()).append("lang", item.language()).append("text", item.plain().strip()));
            }
        }
    }
}
