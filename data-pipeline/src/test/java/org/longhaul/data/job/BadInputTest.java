package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.cli.InProcess;
import org.longhaul.shards.ShardSet;

/** Each fault of the input gives one clear line with file and position; the good rest is processed and what was skipped is counted. */
class BadInputTest {
    private static final int GOOD = 60;

    @TempDir
    Path folder;

    private Path in;
    private Path out;
    private Path config;

    @BeforeEach
    void goodInput() throws IOException {
        in = Files.createDirectory(folder.resolve("in"));
        out = folder.resolve("out");
        config = folder.resolve("data.yaml");
        Files.writeString(in.resolve("good.jsonl"), lines(1));
        Files.writeString(config, """
                inputs: {web: {path: %s}}
                rules: {default: {quality: {gopher_repetition: {enabled: false}, gopher_quality: {enabled: false}, c4: {enabled: false}, fineweb: {enabled: false}}}}
                tokenizer: {vocabulary: 400}
                output: {dir: %s}
                spark: {partitions: 1}
                """.formatted(in, out));
    }

    private static String lines(long seed) {
        Random random = new Random(seed);
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < GOOD; i++) {
            lines.append(TinyCorpus.json(seed + "-" + i, TinyCorpus.document(random), "en"));
        }
        return lines.toString();
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    /** Runs; the run must succeed, say the line, and count the problem. */
    private Report run(String file, String position, String kind) {
        InProcess.Result result = InProcess.run("data", "run", config.toString());
        assertEquals(0, result.status(), result.err());
        String line = result.err().lines().filter(l -> l.contains(file + ": " + position)).findFirst()
                .orElseThrow(() -> new AssertionError("no line names " + file + ": " + position + " in\n" + result.err()));
        assertTrue(line.strip().startsWith(in.toString()), line);
        Report report = Report.read(out.toString());
        assertEquals(1, report.problemCounts.get(kind), report.problemCounts.toString());
        assertTrue(result.out().contains(kind), result.out());
        ShardSet.open(out).verify();
        return report;
    }

    @Test
    void truncatedGzip() throws IOException {
        byte[] whole = gzip(lines(2).getBytes(StandardCharsets.UTF_8));
        Files.write(in.resolve("cut.jsonl.gz"), Arrays.copyOf(whole, whole.length / 2));
        Report report = run("cut.jsonl.gz", "line ", "truncated_file");
        assertTrue(report.records > GOOD && report.records < 2 * GOOD, "records " + report.records);
    }

    @Test
    void invalidUtf8() throws IOException {
        byte[] bytes = lines(3).getBytes(StandardCharsets.UTF_8);
        int at = new String(bytes, StandardCharsets.UTF_8).indexOf("river");
        bytes[at] = (byte) 0xFF;
        Files.write(in.resolve("latin.jsonl"), bytes);
        Report report = run("latin.jsonl", "line ", "invalid_utf8");
        assertEquals(2 * GOOD, report.records);
        assertEquals(1, report.repaired);
    }

    @Test
    void jsonWithoutText() throws IOException {
        Files.writeString(in.resolve("other.jsonl"), "{\"id\": \"x\", \"body\": \"hello\"}\n" + lines(4));
        Report report = run("other.jsonl", "line 1", "no_text");
        assertEquals(2 * GOOD, report.records);
        assertEquals(1L, report.reasons().get("read / no_text"));
    }

    @Test
    void emptyFile() throws IOException {
        Files.write(in.resolve("nothing.jsonl"), new byte[0]);
        assertEquals(GOOD, run("nothing.jsonl", "", "empty_file").records);
    }

    @Test
    void aParquetFileThatIsNone() throws IOException {
        Files.writeString(in.resolve("wrong.parquet"), "this is no parquet file, but it is long enough to be looked at");
        assertEquals(GOOD, run("wrong.parquet", "byte 0", "corrupt_file").records);
    }

    @Test
    void aLineOf200Megabytes() throws IOException {
        try (OutputStream file = Files.newOutputStream(in.resolve("long.jsonl"))) {
            file.write("{\"id\": \"huge\", \"text\": \"".getBytes(StandardCharsets.UTF_8));
            byte[] block = "word ".repeat(1 << 16).getBytes(StandardCharsets.UTF_8);
            for (long written = 0; written < 200_000_000; written += block.length) {
                file.write(block);
            }
            file.write(("\"}\n" + lines(5)).getBytes(StandardCharsets.UTF_8));
        }
        Report report = run("long.jsonl", "line 1, byte 0", "record_too_large");
        assertEquals(2 * GOOD, report.records);
    }

    @Test
    void aWarcCutInTheMiddle() throws IOException {
        ByteArrayOutputStream warc = new ByteArrayOutputStream();
        Random random = new Random(6);
        for (int i = 0; i < 4; i++) {
            String text = TinyCorpus.document(random);
            String record = "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://example.org/" + i
                    + "\r\nWARC-Date: 2024-05-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-00000000000" + i
                    + ">\r\nContent-Type: text/plain\r\nContent-Length: " + text.length() + "\r\n\r\n" + text + "\r\n\r\n";
            warc.write(gzip(record.getBytes(StandardCharsets.UTF_8)));
        }
        byte[] whole = warc.toByteArray();
        Files.write(in.resolve("crawl.warc.wet.gz"), Arrays.copyOf(whole, whole.length - 200));
        Report report = run("crawl.warc.wet.gz", "byte ", "truncated_file");
        assertEquals(GOOD + 3, report.records);
    }

    @Test
    void missingFolderStopsBeforeAnythingIsMade() {
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "inputs.web.path=" + folder.resolve("nowhere"));
        assertEquals(2, result.status());
        assertEquals(1, result.failures().size(), result.err());
        assertTrue(result.failures().get(0).contains(folder.resolve("nowhere") + " does not exist"), result.err());
        assertFalse(Files.exists(out));
    }

    @Test
    void allMissingInputsAreNamedAtOnce() throws IOException {
        Files.createDirectories(folder.resolve("empty"));
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "inputs.a.path=" + folder.resolve("nowhere"),
                "inputs.b.path=" + folder.resolve("no*where"), "inputs.c.path=" + folder.resolve("empty"));
        assertEquals(2, result.status());
        assertEquals(3, result.failures().size(), result.err());
        assertTrue(result.failures().get(0).contains(folder.resolve("nowhere") + " does not exist"), result.err());
        assertTrue(result.failures().get(1).contains(folder.resolve("no*where") + " does not exist"), result.err());
        assertTrue(result.failures().get(2).contains(folder.resolve("empty") + " holds no file of a known format"), result.err());
        assertFalse(Files.exists(out));
    }

    @Test
    void unwritableOutput() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "output.dir=" + file.resolve("shards"));
        assertEquals(2, result.status(), result.err());
        assertEquals(1, result.failures().size(), result.err());
        assertTrue(result.failures().get(0).contains("output folder " + file.resolve("shards") + " cannot be"), result.err());
        assertEquals("in the way", Files.readString(file));
    }

    @Test
    void fullDisk() throws IOException {
        for (long room : new long[] {0, 3_000, 30_000}) {
            FullDisk.LEFT.set(room);
            InProcess.Result result = InProcess.run("data", "run", config.toString(), "output.dir=full://" + out,
                    "spark.conf={spark.hadoop.fs.full.impl: " + FullDisk.class.getName() + "}");
            assertEquals(3, result.status(), room + " bytes: " + result.err());
            assertEquals(1, result.failures().size(), result.err());
            assertTrue(result.failures().get(0).contains("the disk is full"), result.err());
            assertFalse(Files.exists(out.resolve("manifest.json")));
        }
        FullDisk.LEFT.set(Long.MAX_VALUE);
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "output.dir=" + out);
        assertEquals(0, result.status(), "after making room: " + result.err());
        ShardSet.open(out).verify();
    }

    @Test
    void aShardWithAFlippedByte() throws IOException {
        assertEquals(0, InProcess.run("data", "run", config.toString()).status());
        assertEquals(0, InProcess.run("data", "inspect", out.toString(), "--verify").status());
        Path shard = out.resolve("train-00000.tokens.arrow");
        try (RandomAccessFile access = new RandomAccessFile(shard.toFile(), "rw")) {
            access.seek(1000);
            int old = access.read();
            access.seek(1000);
            access.write(old ^ 1);
        }
        InProcess.Result result = InProcess.run("data", "inspect", out.toString(), "--verify");
        assertEquals(2, result.status());
        assertTrue(result.failures().get(0).contains(shard + ": checksum does not match in bytes 0–"), result.err());
    }

    @Test
    void nothingUsableStops() throws IOException {
        Files.writeString(in.resolve("good.jsonl"), "not json\n");
        InProcess.Result result = InProcess.run("data", "run", config.toString());
        assertEquals(2, result.status());
        assertTrue(result.failures().get(0).contains("input web: 1 of 1 records are malformed or without text"), result.err());
        assertTrue(result.failures().get(0).contains("good.jsonl: line 1"), result.err());
        Files.writeString(in.resolve("good.jsonl"), "");
        InProcess.Result empty = InProcess.run("data", "run", config.toString());
        assertEquals(2, empty.status());
        assertTrue(empty.failures().get(0).contains("the inputs hold no document"), empty.err());
    }

    /** One wrong key makes a problem of every record: some are shown, the key is named. */
    @Test
    void aFieldThatNoRecordHasIsNotSaidOnceForEach() {
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "inputs.web.read.text_field=content");
        assertEquals(2, result.status());
        assertEquals(10, result.err().lines().filter(l -> l.strip().startsWith(in.toString())).count(), result.err());
        assertTrue(result.err().contains("and 50 more: no_text"), result.err());
        assertTrue(result.failures().get(0).endsWith("correct inputs.web.read or the files"), result.err());
    }

    /** Hours of other work come before the tokenizer. */
    @Test
    void aTokenizerThatIsNotThereIsSaidAtOnce() throws IOException {
        Path absent = folder.resolve("absent");
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "tokenizer.path=" + absent);
        assertEquals(2, result.status());
        assertTrue(result.failures().get(0).contains("tokenizer.path: " + absent + ": no such file"), result.err());
        assertFalse(Files.exists(out), "nothing was touched");
        Files.createDirectory(absent);
        Files.writeString(absent.resolve("tokenizer.json"), "{}");
        assertEquals(2, InProcess.run("data", "run", config.toString(), "tokenizer.path=" + absent).status());
        assertFalse(Files.exists(out), "nothing was touched");
    }

    /** The folder will do, and a tokenizer that changed under its name is another configuration. */
    @Test
    void aGivenTokenizerMayBeItsFolder() throws IOException {
        assertEquals(0, InProcess.run("data", "run", config.toString(), "tokenizer.vocabulary=100000").status());
        Path given = Files.createDirectory(folder.resolve("given"));
        Files.copy(out.resolve("tokenizer.json"), given.resolve("tokenizer.json"));
        String[] again = {"data", "run", config.toString(), "tokenizer.path=" + given, "output.dir=" + folder.resolve("second")};
        InProcess.Result result = InProcess.run(again);
        assertEquals(0, result.status(), result.err());
        assertTrue(result.err().contains("given: " + given.resolve("tokenizer.json")), result.err());
        assertTrue(InProcess.run(again).err().contains("is complete: nothing to do"));
        Files.writeString(given.resolve("tokenizer.json"), Files.readString(given.resolve("tokenizer.json")) + "\n");
        assertEquals(2, InProcess.run(again).status());
    }

    @Test
    void anInputWithAWrongTextFieldStopsTheRun() throws IOException {
        Path other = Files.writeString(folder.resolve("other.jsonl"), lines(8).replace("\"text\":", "\"body\":") + lines(9).lines().findFirst().orElseThrow() + "\n");
        InProcess.Result result = InProcess.run("data", "run", config.toString(), "inputs.second.path=" + other);
        assertEquals(2, result.status(), result.err());
        assertEquals(1, result.failures().size(), result.err());
        assertTrue(result.failures().get(0).contains("input second: 60 of 61 records are malformed or without text"), result.err());
        assertTrue(result.failures().get(0).contains(other + ": line 1, byte 0: "), result.err());
        assertFalse(Files.exists(out.resolve("manifest.json")));
        assertEquals(0, InProcess.run("data", "run", config.toString(), "inputs.second.path=" + other, "inputs.second.read.text_field=body").status());
        assertEquals(0, InProcess.run("data", "run", config.toString(), "inputs.second.path=" + other, "max_unusable=1", "--overwrite").status());
    }

    @Test
    void wrongConfigurationNamesKeyAndMend() {
        InProcess.Result unknown = InProcess.run("data", "run", config.toString(), "inputs.web.rules=nope");
        assertEquals(2, unknown.status());
        assertTrue(unknown.failures().get(0).contains("inputs: must use rule sets that exist, one of [default]: input web has rules: nope"), unknown.err());
        InProcess.Result typo = InProcess.run("data", "run", config.toString(), "validation_fracton=0.1");
        assertTrue(typo.err().contains("validation_fraction"), typo.err());
        InProcess.Result type = InProcess.run("data", "run", config.toString(), "tokenizer.vocabulary=many");
        assertEquals(2, type.status());
        assertTrue(type.err().contains("tokenizer.vocabulary"), type.err());
    }

    @Test
    void aDataSetThatIsNotThereIsNamed() {
        assertEquals(2, InProcess.run("data", "inspect", out.toString(), "--limit", "0").status());
        assertEquals(2, InProcess.run("data", "inspect", out.toString(), "--samples", "-1").status());
        InProcess.Result result = InProcess.run("data", "inspect", folder.resolve("nowhere").toString());
        assertEquals(2, result.status(), result.err());
        assertTrue(result.err().contains(folder.resolve("nowhere") + ": no such folder"), result.err());
    }
}
