package org.longhaul.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

/** What stands in front of a text, in the ways in which published tokenizers say it. */
class TextPrefixTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TEMPLATE = """
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "%s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [], "special_tokens": {"%s": {"id": "%s", "ids": [%s], "tokens": []}}}""";

    @TempDir
    private Path folder;

    @BeforeEach
    void write() {
        TokenizerFiles.write(folder, TestVocabularies.train(PreTokenizer.DEEPSEEK, 400, 1), SpecialTokens.deepSeek(), 4096);
    }

    private void processor(String json) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        ObjectNode root = (ObjectNode) JSON.readTree(Files.readAllBytes(file));
        root.set("post_processor", JSON.readTree(json));
        Files.write(file, JSON.writeValueAsBytes(root));
    }

    private void config(String key, boolean value) throws IOException {
        Path file = folder.resolve("tokenizer_config.json");
        ObjectNode root = (ObjectNode) JSON.readTree(Files.readAllBytes(file));
        Files.write(file, JSON.writeValueAsBytes(root.put(key, value)));
    }

    private OptionalInt prefix() {
        return Tokenizer.load(folder).textPrefix();
    }

    @Test
    void aTemplateSaysIt() throws IOException {
        int end = Tokenizer.load(folder).endOfSentence();
        String name = SpecialTokens.END_OF_SENTENCE;
        processor(TEMPLATE.formatted(name, name, name, end));
        assertEquals(OptionalInt.of(end), prefix());
    }

    @Test
    void aTemplateBehindAnotherProcessorSaysIt() throws IOException {
        int begin = Tokenizer.load(folder).beginOfSentence().orElseThrow();
        String name = SpecialTokens.BEGIN_OF_SENTENCE;
        processor("{\"type\": \"Sequence\", \"processors\": [{\"type\": \"ByteLevel\"}, " + TEMPLATE.formatted(name, name, name, begin) + "]}");
        assertEquals(OptionalInt.of(begin), prefix());
    }

    @Test
    void withoutATemplateNothingStandsInFront() throws IOException {
        processor("{\"type\": \"ByteLevel\"}");
        assertTrue(prefix().isEmpty());
        processor("null");
        assertTrue(prefix().isEmpty());
    }

    @Test
    void theConfigOverridesTheTemplate() throws IOException {
        config("add_bos_token", false);
        assertTrue(prefix().isEmpty());
        processor("{\"type\": \"ByteLevel\"}");
        config("add_bos_token", true);
        assertEquals(Tokenizer.load(folder).beginOfSentence(), prefix());
    }

    @Test
    void aTemplateWithoutTheIdIsNamed() throws IOException {
        processor(TEMPLATE.formatted("<x>", "<y>", "<y>", 1));
        UserError e = assertThrows(UserError.class, this::prefix);
        assertTrue(e.getMessage().contains("post_processor puts \"<x>\" in front of a text but does not say its id"), e.getMessage());
    }
}
