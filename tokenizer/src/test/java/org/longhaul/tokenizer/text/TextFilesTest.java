package org.longhaul.tokenizer.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

class TextFilesTest {
    @TempDir private Path folder;

    private static List<String> read(Path... inputs) {
        return TextFiles.of(List.of(inputs), "text").forEach(1, i -> new ArrayList<String>(),
                (list, d) -> list.add(d.line() + ":" + d.language() + ":" + new String(d.text(), 0, d.length(), StandardCharsets.UTF_8))).get(0);
    }

    @Test
    void jsonLinesPlainOrZipped() throws IOException {
        String lines = "{\"id\": {\"a\": [1]}, \"text\": \"a\\n\\u4e2d\\ud83d\\ude00\\ud83d\", \"lang\": \"zh\"}\n\n{\"lang\": null, \"text\": \"\"}";
        Path plain = Files.writeString(folder.resolve("a.jsonl"), lines);
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(lines.getBytes(StandardCharsets.UTF_8));
        }
        Path gz = Files.write(folder.resolve("b.jsonl.gz"), zipped.toByteArray());
        List<String> expected = List.of("1:zh:a\n中😀\uFFFD", "3::");
        assertEquals(expected, read(plain));
        assertEquals(expected, read(gz));
        Files.write(gz, Arrays.copyOf(zipped.toByteArray(), zipped.size() - 12));
        assertTrue(assertThrows(UserError.class, () -> read(gz)).getMessage().contains("damaged or cut short"));
    }

    @Test
    void linesLongerThanABlock() throws IOException {
        String longText = "x".repeat(3_000_000);
        Path file = Files.writeString(folder.resolve("a.jsonl"), "{\"text\":\"" + longText + "\"}\n{\"text\":\"y\"}\n");
        List<String> read = read(file);
        assertEquals(List.of("1::" + longText, "2::y"), read);
    }

    @Test
    void plainTextIsCutBetweenParagraphs() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; text.length() < 2_500_000; i++) {
            text.append("line ").append(i).append(i % 3 == 0 ? "\n\n  " : "\n");
        }
        Path file = Files.writeString(folder.resolve("a.txt"), text);
        List<byte[]> blocks = TextFiles.of(List.of(file), "text").forEach(1, i -> new ArrayList<byte[]>(), (list, d) -> list.add(d.copy())).get(0);
        assertTrue(blocks.size() > 2);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < blocks.size(); i++) {
            all.write(blocks.get(i));
            assertTrue(i == 0 || blocks.get(i)[0] > ' ');
        }
        assertEquals(text.toString(), all.toString(StandardCharsets.UTF_8));
    }

    @Test
    void badLinesNameFileAndLine() throws IOException {
        for (String bad : new String[] {"{\"text\": 3}", "{\"other\": \"x\"}", "[1]", "{\"text\": \"x", "nonsense"}) {
            Path file = Files.writeString(folder.resolve("a.jsonl"), "{\"text\":\"fine\"}\n" + bad + "\n");
            String message = assertThrows(UserError.class, () -> read(file), bad).getMessage();
            assertTrue(message.startsWith(file + ": line 2 ") && !message.contains("\n"), message);
        }
        assertThrows(UserError.class, () -> read(folder.resolve("absent")));
    }

    @Test
    void severalThreadsSeeEveryDocumentOnce() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 200_000; i++) {
            lines.append("{\"text\":\"").append(i).append("\"}\n");
        }
        Path file = Files.writeString(folder.resolve("a.jsonl"), lines);
        List<long[]> sums = TextFiles.of(List.of(file), "text").forEach(3, i -> new long[2], (sum, d) -> {
            sum[0]++;
            sum[1] += Long.parseLong(new String(d.text(), 0, d.length(), StandardCharsets.UTF_8));
        });
        assertEquals(200_000, sums.stream().mapToLong(s -> s[0]).sum());
        assertEquals(199_999L * 100_000, sums.stream().mapToLong(s -> s[1]).sum());
    }
}
