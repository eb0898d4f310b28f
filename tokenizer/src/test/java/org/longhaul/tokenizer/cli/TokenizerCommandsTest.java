package org.longhaul.tokenizer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.bench.BenchCommand;
import org.w3c.dom.NodeList;
import picocli.CommandLine;

class TokenizerCommandsTest {
    @TempDir private static Path folder;
    private static Path corpus;
    private static Path trained;

    @BeforeAll
    static void train() throws Exception {
        Random random = new Random(3);
        String[] words = {"the cat", " of ", "Größe ", "我们 在", "学习", "x = 1;\n", "print(y)", "\n\n", "  ", "もの", "слово ", "don't "};
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(60); n >= 0; n--) {
                text.append(words[random.nextInt(words.length)]);
            }
            lines.append("{\"text\":\"").append(text.toString().replace("\n", "\\n")).append("\",\"lang\":\"l").append(i % 3).append("\",\"source\":\"<s>\"}\n");
        }
        corpus = Files.writeString(folder.resolve("corpus.jsonl"), lines);
        trained = folder.resolve("tokenizer");
        run(new TrainCommand(), corpus, "-o", trained, "--vocab-size", 320, "--threads", 2);
    }

    private static String run(Callable<Integer> command, Object... arguments) throws Exception {
        return new String(bytes(command, arguments), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(Callable<Integer> command, Object... arguments) throws Exception {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            new CommandLine(command).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
            assertEquals(0, command.call());
        } finally {
            System.setOut(before);
        }
        return out.toByteArray();
    }

    @Test
    void stoppedTrainingGoesOnToTheSameResult() throws Exception {
        Path work = folder.resolve("work");
        Path again = folder.resolve("again");
        String fingerprint = Tokenizer.load(trained).fingerprint();
        for (int i = 0; i < 2; i++) {
            run(new TrainCommand(), corpus, "-o", again, "--vocab-size", 320, "--threads", 2, "--work", work, "--memory", 8);
            assertEquals(fingerprint, Tokenizer.load(again).fingerprint());
        }
        run(new TrainCommand(), work.resolve("words.run"), "--counts", "-o", again, "--vocab-size", 320);
        assertEquals(fingerprint, Tokenizer.load(again).fingerprint());
    }

    @Test
    void encodedTextDecodes() throws Exception {
        byte[] text = "the cat 学习 \u0000 Größe".getBytes(StandardCharsets.UTF_8);
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(text));
            byte[] ids = bytes(new EncodeCommand(), "-t", trained);
            System.setIn(new ByteArrayInputStream(ids));
            assertArrayEquals(text, bytes(new DecodeCommand(), "-t", trained));
        } finally {
            System.setIn(before);
        }
        assertTrue(run(new EncodeCommand(), "-t", trained, "--tokens", "the cat").startsWith("0\t"));
        assertThrows(UserError.class, () -> run(new DecodeCommand(), "-t", trained, "twelve"));
    }

    @Test
    void huggingFaceGivesTheSameIds() throws Exception {
        String report = run(new VerifyCommand(), "-t", trained, "--with", trained, "--hugging-face", "--fuzz", 3000, "--shape", corpus);
        assertTrue(run(new VerifyCommand(), "-t", trained, "--hugging-face", "--fuzz-spaces", 2).contains("white space, seed 1: 2 texts, 131,"));
        assertTrue(report.contains("2,000 texts") && report.contains("3,000 texts") && report.contains(" 0 come back or compare wrong"), report);
    }

    @Test
    void anotherVocabularyIsNoticed() throws Exception {
        Path other = folder.resolve("other");
        run(new TrainCommand(), corpus, "-o", other, "--vocab-size", 300);
        String message = assertThrows(UserError.class, () -> run(new VerifyCommand(), "-t", trained, "--with", other, corpus)).getMessage();
        assertTrue(message.contains("corpus.jsonl: line ") && message.contains("token ") && !message.contains("\n"), message);
    }

    @Test
    void everyPreTokenizerAgreesWithHuggingFace() throws Exception {
        for (String preTokenizer : List.of("gpt2", "cl100k", "llama3", "qwen2")) {
            Path other = folder.resolve(preTokenizer);
            run(new TrainCommand(), corpus, "-o", other, "--vocab-size", 350, "--pre-tokenizer", preTokenizer);
            run(new VerifyCommand(), "-t", other, "--hugging-face", "--fuzz", 2000, "--seed", 99, corpus);
        }
    }

    @Test
    void statisticsAsTextPageAndPicture() throws Exception {
        Path page = folder.resolve("page.html");
        Path picture = folder.resolve("picture.svg");
        String text = run(new StatsCommand(), "-t", trained, corpus, "--html", page, "--svg", picture, "--top", 5);
        NodeList texts = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(picture.toFile()).getElementsByTagName("text");
        List<String> said = IntStream.range(0, texts.getLength()).mapToObj(i -> texts.item(i).getTextContent()).toList();
        assertTrue(said.contains("l2") && said.contains("Longest tokens") && said.stream().anyMatch(s -> s.contains("of them unused here")), said.toString());
        assertTrue(text.contains("l2") && text.contains("bytes/token") && text.contains("tokens are unused"), text);
        String html = Files.readString(page);
        assertTrue(html.contains("&lt;s&gt;") && !html.contains("<s>"), html);
    }

    @Test
    void benchComparesBeforeItTimes() throws Exception {
        String report = run(new BenchCommand(), "-t", trained, "--jtokkit", "--seconds", 0.01, "--threads", "1,2", corpus);
        assertTrue(report.contains("equal those of Hugging Face") && report.contains("equal those of jtokkit") && report.contains("ratio"), report);
    }

    @Test
    void vocabularySmallerThanTheAlphabetIsOneLine() {
        String message = assertThrows(UserError.class, () -> run(new TrainCommand(), corpus, "-o", folder.resolve("x"), "--vocab-size", 100)).getMessage();
        assertEquals("--vocab-size must be at least 243, the size of alphabet utf8: 100", message);
        assertFalse(Files.exists(folder.resolve("x")));
    }

    @Test
    void whatCannotWorkIsSaidBeforeTheWork() throws Exception {
        Path empty = Files.writeString(folder.resolve("empty.jsonl"), "\n");
        assertEquals("no text in [" + empty + "]", refusal(new TrainCommand(), empty, "-o", folder.resolve("y")));
        assertEquals("no documents in [" + empty + "]: nothing was verified", refusal(new VerifyCommand(), "-t", trained, empty));
        assertEquals(empty + ": no text to encode", refusal(new BenchCommand(), "-t", trained, "--alone", empty));
        assertEquals("--threads must be 1 or more: 0", refusal(new TrainCommand(), corpus, "-o", folder.resolve("y"), "--threads", 0));
        assertEquals("--threads must be 1 or more: 0", refusal(new StatsCommand(), "-t", trained, corpus, "--threads", 0));
        assertEquals("--threads must be 1 or more: 0", refusal(new VerifyCommand(), "-t", trained, "--fuzz", 9, "--threads", 0));
        assertEquals("--threads must be 1 or more: [1, 0]", refusal(new BenchCommand(), "-t", trained, "--alone", "--threads", "1,0", corpus));
        assertEquals("--document-cap must be 1 byte or more: 0", refusal(new TrainCommand(), corpus, "-o", folder.resolve("y"), "--document-cap", 0));
        assertEquals("--memory and --model-max-length must be at least 1: 0, 4096", refusal(new TrainCommand(), corpus, "-o", folder.resolve("y"), "--memory", 0));
        assertEquals(corpus + ": cannot be made: " + corpus + ": is there already, and not as a folder", refusal(new TrainCommand(), corpus, "-o", corpus));
    }

    private static String refusal(Callable<Integer> command, Object... arguments) {
        return assertThrows(UserError.class, () -> run(command, arguments)).getMessage();
    }

    @Test
    void whatAKilledCountLeftIsRemoved() throws Exception {
        Path work = Files.createDirectories(folder.resolve("killed"));
        Path left = Files.writeString(work.resolve("words-123.run"), "half a run");
        run(new TrainCommand(), corpus, "-o", folder.resolve("z"), "--vocab-size", 320, "--work", work);
        assertFalse(Files.exists(left));
        assertEquals(Tokenizer.load(trained).fingerprint(), Tokenizer.load(folder.resolve("z")).fingerprint());
    }
}
