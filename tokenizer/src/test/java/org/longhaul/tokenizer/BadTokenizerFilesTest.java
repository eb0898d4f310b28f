package org.longhaul.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

class BadTokenizerFilesTest {
    @TempDir private Path folder;
    private String good;

    @BeforeEach
    void writeAGoodOne() throws IOException {
        TokenizerFiles.write(folder, TestVocabularies.train(PreTokenizer.GPT2, 300, 1), SpecialTokens.deepSeek(), 64);
        good = Files.readString(folder.resolve("tokenizer.json"));
    }

    @Test
    void nothingThere() {
        assertMessage("no such file", Path.of("nowhere", "tokenizer.json"));
    }

    @Test
    void notJson() throws IOException {
        assertMessage("not a tokenizer file", write("{\"model\": "));
        assertMessage("model.vocab is missing", write("{\"a\": 1}"));
        assertMessage("model.vocab is missing", write("[1, 2]"));
    }

    @Test
    void mergesThatNameUnknownTokens() throws IOException {
        assertMessage("model.merges: number 0 names \"zz\", which is not in model.vocab",
                write(good.replaceFirst("\"merges\" : \\[ \\[ \"[^\"]*\"", "\"merges\" : [ [ \"zz\"")));
        assertMessage("model.merges: number 0 is not a pair", write(good.replaceFirst("\"merges\" : \\[ \\[ \"[^\"]*\", \"[^\"]*\" \\]", "\"merges\" : [ \"zz\"")));
    }

    @Test
    void duplicateIds() throws IOException {
        assertMessage("is given to both \"`\" and \"a\"", write(good.replaceFirst("\"`\" : (\\d+),\\s*\"a\" : \\d+", "\"`\" : $1, \"a\" : $1")));
        assertMessage("Duplicate field 'a'", write(good.replace("\"b\" : ", "\"a\" : ")));
    }

    @Test
    void noBytesAtAll() throws IOException {
        assertMessage("smaller than its alphabet", write("{\"model\": {\"type\": \"BPE\", \"vocab\": {\"ab\": 0}, \"merges\": []}}"));
    }

    @Test
    void otherKindsOfModels() throws IOException {
        assertMessage("model.type is WordPiece", write(good.replace("\"type\" : \"BPE\"", "\"type\" : \"WordPiece\"")));
        assertMessage("byte_fallback", write(good.replace("\"byte_fallback\" : false", "\"byte_fallback\" : true")));
        assertMessage("normalizer NFC changes the text", write(good.replace("\"normalizer\" : null", "\"normalizer\" : {\"type\": \"NFC\"}")));
        assertMessage("pre_tokenizer does not end in ByteLevel", write(good.replaceFirst("\"type\" : \"ByteLevel\"", "\"type\" : \"Whitespace\"")));
        assertMessage("add_prefix_space must be false", write(good.replaceFirst("\"add_prefix_space\" : false", "\"add_prefix_space\" : true")));
        assertMessage("stand for no byte", write(good.replace("\"merges\" : [", "\"merges\" : [").replaceFirst("\"a\" : (\\d+)", "\"\u4E2D\" : $1")));
    }

    @Test
    void configThatNamesAnUnknownToken() throws IOException {
        write(good);
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": {\"content\": \"<s>\"}}");
        assertMessage("tokenizer_config.json names bos_token \"<s>\"", folder);
    }

    @Test
    void bothSpellingsOfMergesAreRead() throws IOException {
        String fingerprint = Tokenizer.load(folder).fingerprint();
        assertEquals(fingerprint, Tokenizer.load(write(good.replaceAll("\\[ (\"(?:[^\"\\\\]|\\\\.)*)\", \"((?:[^\"\\\\]|\\\\.)*\") \\]", "$1 $2"))).fingerprint());
    }

    @Test
    void aByteThatAForeignVocabularyLacksIsNamed() throws IOException {
        Tokenizer lacking = Tokenizer.load(write(good.replaceFirst("\"\u00F8\" : \\d+,?", "").replaceFirst(",\\s*\\}", "}")));
        UserError error = assertThrows(UserError.class, () -> lacking.encode(new byte[] {'a', (byte) 0xF8}));
        assertTrue(error.getMessage().contains("byte 0xF8 at offset 1"), error.getMessage());
    }

    @Test
    void idsOutsideTheVocabulary() {
        Tokenizer tokenizer = Tokenizer.load(folder);
        assertTrue(assertThrows(UserError.class, () -> tokenizer.decode(new int[] {1, 4000})).getMessage().contains("token id 4000 at position 1"));
        assertThrows(UserError.class, () -> tokenizer.tokenBytes(-1));
        assertFalse(tokenizer.isToken(4000));
    }

    @Test
    void badRankFiles() {
        for (String text : new String[] {"YQ== x", "???", "YQ== 0\nYQ== 1", "YWI= 0"}) {
            assertThrows(UserError.class, () -> Tokenizer.fromTiktoken(new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)), "ranks",
                    PreTokenizer.CL100K), text);
        }
    }

    private Path write(String text) throws IOException {
        return Files.writeString(folder.resolve("tokenizer.json"), text);
    }

    private static void assertMessage(String part, Path file) {
        UserError error = assertThrows(UserError.class, () -> Tokenizer.load(file));
        assertTrue(error.getMessage().contains(part), error.getMessage());
        assertFalse(error.getMessage().contains("\n"), error.getMessage());
        assertEquals(ExitCode.BAD_INPUT, error.exitCode());
    }
}
