package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.config.ConfigLoader;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.read.Position;
import org.longhaul.error.UserError;

class DocumentPassTest {
    private static final String QUESTION = "How many eggs are left when the farmer has sold a dozen of the thirty that his hens laid?";

    @TempDir
    Path folder;

    private DataConfig config(String more) {
        String off = "{enabled: false}";
        return ConfigLoader.parse(
                "inputs: {web: {path: x.jsonl}}\noutput: {dir: out}\nrules: {default: {quality: {gopher_repetition: " + off
                        + ", gopher_quality: " + off + ", c4: " + off + ", fineweb: " + off + "}, personal_data: {emails: true}, url: {domains: "
                        + folder + "/domains}}}\n" + more,
                "test", List.of(), DataConfig.class);
    }

    private static InputRecord record(String url, String text) {
        return new InputRecord("f", new Position(0, 1), "r", "web", "en", url, new InputRecord.Text(text), 0);
    }

    @Test
    void addressesBenchmarksAndPersonalDataHaveTheirPlaces() throws IOException {
        Files.writeString(folder.resolve("domains"), "bad.example\n");
        Files.writeString(folder.resolve("quiz.jsonl"), "{\"q\": \"" + QUESTION + "\"}\n");
        Configuration conf = new Configuration(false);
        DataConfig config = config("decontamination: {benchmarks: {quiz: " + folder + "/quiz.jsonl}}\n");
        DocumentPass pass = DocumentPass.of(conf, config, "web");
        Verdict.Drop address = assertInstanceOf(Verdict.Drop.class, pass.judge(record("https://www.bad.example/x", "text")));
        assertEquals("url/domain", address.stage() + "/" + address.reason());
        Verdict.Drop benchmark = assertInstanceOf(Verdict.Drop.class, pass.judge(record("", "Look: " + QUESTION + " Well?")));
        assertEquals("decontamination/quiz", benchmark.stage() + "/" + benchmark.reason());
        Verdict.Keep kept = assertInstanceOf(Verdict.Keep.class, pass.judge(record("", "mail jane@doe.org now")));
        assertEquals("mail email@example.com now", kept.document().text());
    }

    @Test
    void whatFilesSayIsPartOfTheFingerprint() throws IOException {
        Files.writeString(folder.resolve("domains"), "bad.example\n");
        Configuration conf = new Configuration(false);
        String one = DocumentPass.of(conf, config(""), "web").fingerprint();
        Files.writeString(folder.resolve("quiz.jsonl"), "{\"q\": \"" + QUESTION + "\"}\n");
        String two = DocumentPass.of(conf, config("decontamination: {benchmarks: {quiz: " + folder + "/quiz.jsonl}}\n"), "web").fingerprint();
        assertNotEquals(one, two);
        assertThrows(UserError.class, () -> DocumentPass.of(conf, config("decontamination: {benchmarks: {gone: " + folder + "/gone}}\n"), "web"));
    }
}
