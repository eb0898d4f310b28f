package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.cli.InProcess;
import org.longhaul.data.SharedData;
import org.longhaul.shards.ShardSet;

/** Real files through the real command; the whole corpus is a benchmark, not a test. */
class RealInputTest {
    @TempDir
    Path folder;

    @Test
    void codeAndCrawlGoThroughOneCommand() throws IOException {
        Path code = SharedData.require("corpus/code-java.jsonl.gz");
        Path warc = SharedData.require("warc/whirlwind.warc.gz");
        Path wet = SharedData.require("warc/whirlwind.warc.wet");
        Path math = SharedData.require("eval/gsm8k");
        Path hosts = Files.writeString(folder.resolve("hosts.txt"), "nobody.example\n");
        Path config = folder.resolve("data.yaml");
        Files.writeString(config, """
                inputs:
                  code: {path: %s, rules: lenient}
                  warc: {path: %s, rules: lenient}
                  wet: {path: %s, rules: lenient}
                rules:
                  lenient:
                    url: {domains: %s}
                    personal_data: {emails: true}
                    quality: {gopher_repetition: {enabled: false}, gopher_quality: {enabled: false}, c4: {enabled: false}, fineweb: {enabled: false}}
                decontamination: {benchmarks: {gsm8k: %s}}
                tokenizer: {vocabulary: 1000}
                output: {dir: %s}
                """.formatted(code, warc, wet, hosts, math, folder.resolve("out")));
        InProcess.Result result = InProcess.run("data", "run", config.toString());
        assertEquals(0, result.status(), result.err());
        Report report = Report.read(folder.resolve("out").toString());
        assertEquals(1572 + 2, report.records);
        assertEquals(report.records, report.kept() + report.dropped());
        assertTrue(report.kept() > 1400, "kept " + report.kept());
        ShardSet set = ShardSet.open(folder.resolve("out"));
        set.verify();
        assertTrue(set.split("train").sources().containsKey("warc") || set.split("validation").sources().containsKey("warc"));
        InProcess.Result inspected = InProcess.run("data", "inspect", folder.resolve("out").toString(), "--reason", "near_duplicate", "--limit", "3");
        assertEquals(0, inspected.status(), inspected.err());
        assertTrue(inspected.out().contains("near_duplicate"), inspected.out());
        Path page = folder.resolve("report.html");
        assertEquals(0, InProcess.run("data", "report", folder.resolve("out").toString(), "-o", page.toString()).status());
        String html = Files.readString(page);
        assertTrue(html.contains("near_duplicate") && !html.contains("http-equiv") && !html.contains("src="), "the page must be self-contained");
    }
}
