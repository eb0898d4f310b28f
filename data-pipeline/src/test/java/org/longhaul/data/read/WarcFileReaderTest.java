package org.longhaul.data.read;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.data.SharedData;

class WarcFileReaderTest {
    @TempDir
    Path folder;

    static byte[] record(String type, String contentType, String block) {
        byte[] body = block.getBytes(StandardCharsets.UTF_8);
        String id = java.util.UUID.nameUUIDFromBytes(body).toString();
        return ("WARC/1.0\r\nWARC-Type: " + type + "\r\nWARC-Record-ID: <urn:uuid:" + id
                        + ">\r\nWARC-Date: 2024-05-18T01:58:10Z\r\nWARC-Target-URI: https://example.org/" + id
                        + "\r\nContent-Type: " + contentType + "\r\nContent-Length: " + body.length + "\r\n\r\n" + block
                        + "\r\n\r\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    static byte[] page(int number, int status, String type) {
        String html = "<html><body><p>page number " + number + " with a body</p></body></html>";
        return record(
                "response",
                "application/http; msgtype=response",
                "HTTP/1.1 " + status + " X\r\nContent-Type: " + type + "\r\nContent-Length: " + html.length() + "\r\n\r\n" + html);
    }

    @Test
    void onlyPagesAreHandedOutAndEverythingElseIsCounted() throws IOException {
        Path file = Inputs.write(
                folder,
                "x.warc.gz",
                Inputs.gzip(record("warcinfo", "application/warc-fields", "software: test\r\n")),
                Inputs.gzip(page(1, 200, "text/html; charset=utf-8")),
                Inputs.gzip(page(2, 404, "text/html")),
                Inputs.gzip(page(3, 200, "image/png")),
                Inputs.gzip(record("request", "application/http; msgtype=request", "GET / HTTP/1.1\r\n\r\n")),
                Inputs.gzip(page(4, 200, "text/html")));
        Inputs.Outcome outcome = Inputs.readAll(file);
        assertEquals(2, outcome.records().size());
        assertEquals(List.of(ReadProblem.Kind.HTTP_STATUS, ReadProblem.Kind.CONTENT_TYPE), outcome.kinds());
        assertEquals(1, outcome.summary().others().get("request"));
        assertEquals(1, outcome.summary().others().get("warcinfo"));
        InputRecord.Html html = (InputRecord.Html) outcome.records().get(0).body();
        assertEquals("text/html; charset=utf-8", html.contentType());
        assertTrue(new String(html.bytes(), StandardCharsets.UTF_8).contains("page number 1"));
    }

    @Test
    void wetRecordsAreText() throws IOException {
        Path file = Inputs.write(folder, "x.warc.wet", record("conversion", "text/plain", "Grüße aus dem Netz"));
        Inputs.Outcome outcome = Inputs.readAll(file);
        assertEquals(List.of("Grüße aus dem Netz"), outcome.texts());
    }

    @Test
    void aWarcCutAnywhereKeepsTheWholeRecordsBeforeTheCut() throws IOException {
        byte[] one = page(1, 200, "text/html");
        byte[] two = page(2, 200, "text/html");
        byte[] both = Arrays.copyOf(one, one.length + two.length);
        System.arraycopy(two, 0, both, one.length, two.length);
        for (int cut = one.length + 1; cut < both.length - 4; cut += 7) {
            Inputs.Outcome outcome = Inputs.readAll(Inputs.write(folder, "cut.warc", Arrays.copyOf(both, cut)));
            assertEquals(1, outcome.records().size(), "cut at " + cut);
            assertEquals(1, outcome.problems().size(), "cut at " + cut + " " + outcome.problems());
            assertFalse(outcome.summary().complete(), "cut at " + cut);
            assertTrue(outcome.problems().get(0).position().offset() >= one.length - 4, "cut at " + cut + outcome.problems());
        }
        byte[] gzip = Inputs.gzip(two);
        Inputs.Outcome outcome = Inputs.readAll(
                Inputs.write(folder, "cut.warc.gz", Inputs.gzip(one), Arrays.copyOf(gzip, gzip.length - 40)));
        assertEquals(1, outcome.records().size());
        assertEquals(List.of(ReadProblem.Kind.TRUNCATED_FILE), outcome.kinds());
    }

    @Test
    void garbageIsACorruptFile() throws IOException {
        Inputs.Outcome outcome =
                Inputs.readAll(Inputs.write(folder, "g.warc", "this is no WARC at all\r\n\r\n".getBytes(StandardCharsets.UTF_8)));
        assertEquals(List.of(ReadProblem.Kind.CORRUPT_FILE), outcome.kinds());
        outcome = Inputs.readAll(Inputs.write(folder, "g.warc.gz", "not gzip".getBytes(StandardCharsets.UTF_8)));
        assertEquals(List.of(ReadProblem.Kind.CORRUPT_FILE), outcome.kinds());
    }

    @Test
    void anOversizedRecordIsSkippedAndTheNextIsRead() throws IOException {
        String big = "x".repeat(5000);
        Path file = Inputs.write(
                folder,
                "big.wet",
                record("conversion", "text/plain", big),
                record("conversion", "text/plain", "small"));
        Inputs.Outcome outcome = Inputs.readAll(file, new ReadSettings("text", "id", "url", "lang", "", 4096));
        assertEquals(List.of("small"), outcome.texts());
        assertEquals(List.of(ReadProblem.Kind.RECORD_TOO_LARGE), outcome.kinds());
    }

    @Test
    void realCrawlRecordsAreRead() throws IOException {
        Path folderOfRealFiles = SharedData.require("warc");
        Inputs.Outcome warc = Inputs.readAll(folderOfRealFiles.resolve("whirlwind.warc.gz"));
        assertEquals(1, warc.records().size(), () -> warc.problems().toString());
        assertEquals("https://an.wikipedia.org/wiki/Escopete", warc.records().get(0).url());
        assertEquals(72848, ((InputRecord.Html) warc.records().get(0).body()).bytes().length);
        Inputs.Outcome wet = Inputs.readAll(folderOfRealFiles.resolve("whirlwind.warc.wet"));
        assertEquals(1, wet.records().size(), () -> wet.problems().toString());
        assertTrue(wet.texts().get(0).contains("Escopete"));
    }

    @Test
    void gzipStreamEqualsTheJdkOnMembersOfAllKinds() throws IOException {
        java.util.Random random = new java.util.Random(7);
        for (int round = 0; round < 200; round++) {
            java.io.ByteArrayOutputStream stored = new java.io.ByteArrayOutputStream();
            for (int member = random.nextInt(4); member >= 0; member--) {
                byte[] content = new byte[random.nextInt(200_000) >> random.nextInt(16)];
                for (int i = 0; i < content.length; i++) {
                    content[i] = (byte) (random.nextInt(8) + 'a');
                }
                stored.write(Inputs.gzip(content));
            }
            byte[] expected = new GZIPInputStream(new ByteArrayInputStream(stored.toByteArray())).readAllBytes();
            int seed = round;
            byte[] found = new GzipStream(new Dribble(stored.toByteArray(), random)).readAllBytes();
            assertTrue(Arrays.equals(expected, found), () -> "round " + seed);
        }
    }

    /** Gives few bytes at a time and says that none are available, as remote streams do. */
    private static final class Dribble extends ByteArrayInputStream {
        private final java.util.Random random;

        Dribble(byte[] bytes, java.util.Random random) {
            super(bytes);
            this.random = random;
        }

        @Override
        public synchronized int read(byte[] target, int offset, int length) {
            return super.read(target, offset, Math.min(length, 1 + random.nextInt(5000)));
        }

        @Override
        public synchronized int available() {
            return 0;
        }
    }
}
