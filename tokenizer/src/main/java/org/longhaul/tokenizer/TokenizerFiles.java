package org.longhaul.tokenizer;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Writes {@code tokenizer.json} and {@code tokenizer_config.json} as Hugging Face's libraries load them. */
public final class TokenizerFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Turns of a conversation as DeepSeek LLM's chat models see them. */
    private static final String CHAT_TEMPLATE = "{{ bos_token }}{% for message in messages %}"
            + "{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
            + "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\\n\\n' }}"
            + "{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}"
            + "{% endif %}{% endfor %}{% if add_generation_prompt is defined and add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

    private TokenizerFiles() {}

    /**
     * Writes both files into a folder, which is made if needed; each is replaced in one step.
     *
     * @param modelMaxLength longest sequence of the model, in tokens
     */
    public static void write(Path folder, TrainedVocabulary vocabulary, SpecialTokens specials, int modelMaxLength) {
        write(folder, vocabulary.model(specials), modelMaxLength);
    }

    /** Writes the files of a tokenizer that was loaded or trained. */
    public static void write(Path folder, Tokenizer tokenizer, int modelMaxLength) {
        write(folder, tokenizer.model(), modelMaxLength);
    }

    private static void write(Path folder, BpeModel model, int modelMaxLength) {
        try {
            Files.createDirectories(folder);
            replace(folder.resolve("tokenizer.json"), generator -> tokenizer(model, generator));
            replace(folder.resolve("tokenizer_config.json"), generator -> JSON.writeTree(generator, config(model, modelMaxLength)));
        } catch (IOException e) {
            throw UserError.environment(folder + ": cannot write the tokenizer: " + Reason.of(e), e);
        }
    }

    private interface Body {
        void write(JsonGenerator generator) throws IOException;
    }

    private static void replace(Path file, Body body) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try (JsonGenerator generator = JSON.getFactory().createGenerator(Files.newBufferedWriter(part))) {
            generator.setPrettyPrinter(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
            body.write(generator);
            generator.writeRaw('\n');
        }
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void tokenizer(BpeModel model, JsonGenerator json) throws IOException {
        json.writeStartObject();
        json.writeStringField("version", "1.0");
        json.writeNullField("truncation");
        json.writeNullField("padding");
        json.writeArrayFieldStart("added_tokens");
        for (AddedToken token : model.added().stream().sorted(Comparator.comparingInt(AddedToken::id)).toList()) {
            json.writeStartObject();
            json.writeNumberField("id", token.id());
            json.writeStringField("content", token.content());
            json.writeBooleanField("single_word", false);
            json.writeBooleanField("lstrip", token.stripLeft());
            json.writeBooleanField("rstrip", token.stripRight());
            json.writeBooleanField("normalized", token.normalized());
            json.writeBooleanField("special", token.special());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeNullField("normalizer");
        json.writeFieldName("pre_tokenizer");
        JSON.writeTree(json, PreTokenizerJson.write(model.preTokenizer()));
        json.writeFieldName("post_processor");
        JSON.writeTree(json, postProcessor(model));
        json.writeFieldName("decoder");
        JSON.writeTree(json, byteLevel());
        json.writeObjectFieldStart("model");
        json.writeStringField("type", "BPE");
        json.writeNullField("dropout");
        json.writeNullField("unk_token");
        json.writeNullField("continuing_subword_prefix");
        json.writeNullField("end_of_word_suffix");
        json.writeBooleanField("fuse_unk", false);
        json.writeBooleanField("byte_fallback", false);
        json.writeBooleanField("ignore_merges", model.ignoreMerges());
        vocabulary(model, json);
        json.writeEndObject();
        json.writeEndObject();
    }

    private static void vocabulary(BpeModel model, JsonGenerator json) throws IOException {
        String[] spellings = new String[model.tokens().length];
        for (int id = 0; id < spellings.length; id++) {
            spellings[id] = model.tokens()[id] == null ? null : ByteLevel.spell(model.tokens()[id]);
        }
        // Added tokens stand in the vocabulary too, so that the loader keeps their ids.
        model.added().forEach(token -> spellings[token.id()] = token.content());
        json.writeObjectFieldStart("vocab");
        for (int id = 0; id < spellings.length; id++) {
            if (spellings[id] != null) {
                json.writeNumberField(spellings[id], id);
            }
        }
        json.writeEndObject();
        json.writeArrayFieldStart("merges");
        for (int i = 0; i < model.left().length; i++) {
            json.writeArray(new String[] {spellings[model.left()[i]], spellings[model.right()[i]]}, 0, 2);
        }
        json.writeEndArray();
    }

    private static ObjectNode byteLevel() {
        return JsonNodeFactory.instance.objectNode().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                .put("use_regex", false);
    }

    /** Puts the prefix in front of every text when special tokens are asked for. */
    private static ObjectNode postProcessor(BpeModel model) {
        if (model.textPrefix() < 0) {
            return byteLevel();
        }
        String begin = model.added().stream().filter(t -> t.id() == model.textPrefix()).findFirst().orElseThrow().content();
        ObjectNode node = JsonNodeFactory.instance.objectNode().put("type", "TemplateProcessing");
        var single = node.putArray("single");
        var pair = node.putArray("pair");
        single.add(piece("SpecialToken", begin, 0)).add(piece("Sequence", "A", 0));
        pair.add(piece("SpecialToken", begin, 0)).add(piece("Sequence", "A", 0));
        pair.add(piece("SpecialToken", begin, 1)).add(piece("Sequence", "B", 1));
        ObjectNode special = node.putObject("special_tokens").putObject(begin).put("id", begin);
        special.putArray("ids").add(model.textPrefix());
        special.putArray("tokens").add(begin);
        return node;
    }

    private static ObjectNode piece(String kind, String id, int type) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.putObject(kind).put("id", id).put("type_id", type);
        return node;
    }

    private static ObjectNode config(BpeModel model, int modelMaxLength) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("tokenizer_class", "PreTrainedTokenizerFast");
        for (AddedToken token : model.added()) {
            if (token.id() == model.beginOfSentence()) {
                config.put("bos_token", token.content());
            }
            if (token.id() == model.endOfSentence()) {
                config.put("eos_token", token.content()).put("pad_token", token.content());
            }
        }
        config.putNull("unk_token");
        config.put("model_max_length", modelMaxLength);
        config.put("clean_up_tokenization_spaces", false);
        if (model.beginOfSentence() >= 0 && model.endOfSentence() >= 0) {
            config.put("chat_template", CHAT_TEMPLATE);
        }
        return config;
    }
}
