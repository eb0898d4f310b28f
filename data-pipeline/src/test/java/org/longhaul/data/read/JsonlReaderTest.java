package org.longhaul.data.read;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.data.SharedData;

class JsonlReaderTest {
    @TempDir
    Path folder;

    @Test
    void everyCompressionGivesTheSameRecords() throws IOException {
        byte[] a = Inputs.jsonLines(0, 700);
        byte[] b = Inputs.jsonLines(700, 1000);
        List<String> expected = Inputs.readAll(Inputs.write(folder, "x.jsonl", a, b)).texts();
        assertEquals(1000, expected.size());
        // Two members, frames or streams each, as `cat a.gz b.gz` makes them.
        assertEquals(expected, Inputs.readAll(Inputs.write(folder, "x.jsonl.gz", Inputs.gzip(a), Inputs.gzip(b))).texts());
        assertEquals(expected, Inputs.readAll(Inputs.write(folder, "x.json.zst", Zstd.compress(a), Zstd.compress(b))).texts());
        assertEquals(expected, Inputs.readAll(Inputs.write(folder, "x.jsonl.bz2", bzip2(a), bzip2(b))).texts());
    }

    @Test
    void truncatedGzipKeepsEveryWholeLineAndNamesThePlace() throws IOException {
        byte[] whole = Inputs.gzip(Inputs.jsonLines(0, 5000));
        Path file = Inputs.write(folder, "cut.jsonl.gz", Arrays.copyOf(whole, whole.length * 2 / 3));
        Inputs.Outcome outcome = Inputs.readAll(file);
        assertTrue(outcome.records().size() > 2500, "only " + outcome.records().size());
        assertTrue(outcome.records().size() < 5000);
        assertEquals(List.of(ReadProblem.Kind.TRUNCATED_FILE), outcome.kinds());
        assertFalse(outcome.summary().complete());
        String message = outcome.problems().get(0).message();
        assertTrue(message.startsWith(file + ": line " + (outcome.records().size() + 1) + ", byte "), message);
        assertFalse(message.contains("\n"));
    }

    @Test
    void truncatedZstandardAndBzip2AreProblemsOfTheFile() throws IOException {
        byte[] lines = Inputs.jsonLines(0, 50_000);
        byte[] zstd = Zstd.compress(lines);
        Inputs.Outcome outcome = Inputs.readAll(Inputs.write(folder, "cut.jsonl.zst", Arrays.copyOf(zstd, zstd.length / 2)));
        assertEquals(List.of(ReadProblem.Kind.TRUNCATED_FILE), outcome.kinds());
        byte[] bzip2 = bzip2(lines);
        outcome = Inputs.readAll(Inputs.write(folder, "cut.jsonl.bz2", Arrays.copyOf(bzip2, bzip2.length / 2)));
        assertEquals(1, outcome.problems().size());
        assertFalse(outcome.summary().complete());
    }

    @Test
    void aFlippedByteInGzipIsReported() throws IOException {
        byte[] gzip = Inputs.gzip(Inputs.jsonLines(0, 5000));
        gzip[gzip.length - 6] ^= 1;
        Inputs.Outcome outcome = Inputs.readAll(Inputs.write(folder, "flip.jsonl.gz", gzip));
        assertEquals(5000, outcome.records().size());
        assertEquals(List.of(ReadProblem.Kind.CORRUPT_FILE), outcome.kinds());
        assertTrue(outcome.problems().get(0).reason().contains("checksum"));
    }

    @Test
    void badLinesAreSkippedAndNamedAndTheRestIsRead() throws IOException {
        byte[] content = ("{\"text\": \"first\", \"id\": 7}\n"
                        + "{\"id\": \"no text\"}\n"
                        + "{\"text\": \"unclosed\n"
                        + "\n"
                        + "{\"text\": 5}\n"
                        + "{\"text\": \"  \"}\n"
                        + "[1]\n"
                        + "{\"text\": \"a\"} {\"text\": \"b\"}\n"
                        + "{\"text\": \"last\"}")
                .getBytes(StandardCharsets.UTF_8);
        Path file = Inputs.write(folder, "bad.jsonl", content);
        Inputs.Outcome outcome = Inputs.readAll(file);
        assertEquals(List.of("first", "last"), outcome.texts());
        assertEquals("7", outcome.records().get(0).recordId());
        assertEquals(
                List.of(
                        ReadProblem.Kind.NO_TEXT,
                        ReadProblem.Kind.MALFORMED_JSON,
                        ReadProblem.Kind.NO_TEXT,
                        ReadProblem.Kind.NO_TEXT,
                        ReadProblem.Kind.MALFORMED_JSON,
                        ReadProblem.Kind.MALFORMED_JSON),
                outcome.kinds());
        assertEquals(
                file + ": line 2, byte 27: no field \"text\"; skipped", outcome.problems().get(0).message());
        assertEquals(3, outcome.summary().problems().get("no_text"));
        assertEquals(content.length, outcome.summary().bytes());
        assertTrue(outcome.summary().complete());
    }

    @Test
    void illFormedUtf8AndLoneSurrogatesAreRepairedAndCounted() throws IOException {
        byte[] head = "{\"text\": \"caf".getBytes(StandardCharsets.UTF_8);
        byte[] bad = {(byte) 0xE9, ' ', (byte) 0xF0, (byte) 0x9F, (byte) 0x98};
        byte[] tail = " \\ud800 \uFFFD\"}\n".getBytes(StandardCharsets.UTF_8);
        Inputs.Outcome outcome = Inputs.readAll(Inputs.write(folder, "latin.jsonl", head, bad, tail));
        assertEquals(List.of("caf\uFFFD \uFFFD \uFFFD \uFFFD"), outcome.texts());
        assertEquals(3, outcome.records().get(0).repairs(), "the genuine U+FFFD is not counted");
        assertEquals(List.of(ReadProblem.Kind.INVALID_UTF8), outcome.kinds());
    }

    @Test
    void aLineOfTwoHundredMegabytesIsSkippedInBoundedMemory() throws IOException {
        Path file = folder.resolve("long.jsonl.gz");
        byte[] chunk = new byte[1 << 20];
        Arrays.fill(chunk, (byte) 'a');
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("{\"text\": \"before\"}\n{\"text\": \"".getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < 200; i++) {
                out.write(chunk);
            }
            out.write("\"}\n{\"text\": \"after\"}\n".getBytes(StandardCharsets.UTF_8));
        }
        ReadSettings settings = new ReadSettings("text", "id", "url", "lang", "", 1 << 20);
        Inputs.Outcome outcome = Inputs.readAll(file, settings);
        assertEquals(List.of("before", "after"), outcome.texts());
        ReadProblem problem = outcome.problems().get(0);
        assertEquals(ReadProblem.Kind.RECORD_TOO_LARGE, problem.kind());
        assertEquals(new Position(19, 2), problem.position());
        assertTrue(problem.reason().contains("209715212 bytes"), problem.reason());

        LineScanner scanner = new LineScanner(new java.io.ByteArrayInputStream(new byte[8 << 20]), 1 << 16);
        assertTrue(scanner.next());
        assertTrue(scanner.tooLong());
        assertTrue(scanner.bytes().length <= 1 << 16, "the scanner holds no more than the limit");
    }

    @Test
    void emptyMissingAndArrayFilesGiveOneClearProblem() throws IOException {
        for (String name : List.of("e.jsonl", "e.jsonl.gz", "e.jsonl.zst", "e.jsonl.bz2", "e.warc", "e.warc.gz", "e.txt")) {
            Inputs.Outcome outcome = Inputs.readAll(Inputs.write(folder, name));
            assertEquals(List.of(ReadProblem.Kind.EMPTY_FILE), outcome.kinds(), name);
            assertTrue(outcome.summary().complete(), name);
        }
        Inputs.Outcome missing = Inputs.readAll(folder.resolve("nowhere.jsonl"));
        assertEquals(List.of(ReadProblem.Kind.UNREADABLE_FILE), missing.kinds());
        assertTrue(missing.problems().get(0).message().contains("nowhere.jsonl"));
        Inputs.Outcome array = Inputs.readAll(
                Inputs.write(folder, "a.json", "[\n{\"text\": \"x\"}\n]".getBytes(StandardCharsets.UTF_8)));
        assertEquals(List.of(ReadProblem.Kind.CORRUPT_FILE), array.kinds());
        assertTrue(array.problems().get(0).reason().contains("JSON array"));
    }

    @Test
    void fieldNamesAreConfigurableAndReachIntoObjects() throws IOException {
        Path file = Inputs.write(
                folder,
                "f.jsonl",
                "\uFEFF{\"body\": {\"content\": \"hello\"}, \"meta\": {\"lang\": \"fr\", \"lic\": \"MIT\"}, \"repo\": \"r\"}\r\n"
                        .getBytes(StandardCharsets.UTF_8));
        ReadSettings settings =
                new ReadSettings("body.content", "key", "link", "meta.lang", "repo", 1 << 20);
        InputRecord record = Inputs.readAll(file, settings).records().get(0);
        assertEquals("fr", record.language());
        assertEquals("r", record.source());
        assertEquals("f.jsonl#0", record.recordId());
        assertNotEquals(record.id(), record.toDocument("other").withText("x").withLanguage("de").toString());
        assertEquals(record.id(), record.toDocument("changed text").id());
    }

    @Test
    void realCorpusIsReadWhole() {
        Path corpus = SharedData.require("corpus");
        Inputs.Outcome outcome = Inputs.readAll(corpus.resolve("web-en.jsonl.gz"));
        assertEquals(644, outcome.records().size());
        assertTrue(outcome.problems().isEmpty());
        assertEquals(644, outcome.records().stream().map(InputRecord::id).distinct().count());
    }

    private static byte[] bzip2(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream bzip2 = new BZip2CompressorOutputStream(out)) {
            bzip2.write(bytes);
        }
        return out.toByteArray();
    }
}
