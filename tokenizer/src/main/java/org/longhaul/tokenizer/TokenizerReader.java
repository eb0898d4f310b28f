package org.longhaul.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Reads a {@code tokenizer.json} of any byte-level BPE that is known, and the names of its special tokens from the file beside it. */
final class TokenizerReader {
    private static final ObjectMapper JSON = new JsonMapper(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(1 << 28).maxNameLength(1 << 20).build()).build());

    private final String file;
    private final JsonNode root;
    private final Map<String, Integer> ids = new HashMap<>();

    private TokenizerReader(String file, JsonNode root) {
        this.file = file;
        this.root = root;
    }

    static BpeModel read(Path path) {
        Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
        JsonNode root = parse(file);
        JsonNode config = null;
        Path beside = file.resolveSibling("tokenizer_config.json");
        if (Files.isRegularFile(beside)) {
            config = parse(beside);
        }
        return new TokenizerReader(file.toString(), root).model(config);
    }

    private static JsonNode parse(Path file) {
        if (!Files.isRegularFile(file)) {
            throw UserError.badInput(file + ": no such file: name a tokenizer.json or the folder that holds one");
        }
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
            throw UserError.badInput(file + ": not a tokenizer file: " + e.getOriginalMessage().lines().findFirst().orElse("") + where, e);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e), e);
        }
    }

    private UserError bad(String message) {
        return UserError.badInput(file + ": " + message);
    }

    private BpeModel model(JsonNode config) {
        JsonNode model = root.path("model");
        if (!model.path("vocab").isObject()) {
            throw bad("not a tokenizer file of Hugging Face's format: model.vocab is missing");
        }
        refuse(model);
        List<AddedToken> added = added();
        byte[][] tokens = tokens(model.path("vocab"), added);
        int[] byteIds = byteIds();
        JsonNode merges = model.path("merges");
        int[] left = new int[merges.size()];
        int[] right = new int[merges.size()];
        int[] merged = new int[merges.size()];
        for (int i = 0; i < left.length; i++) {
            merge(merges.get(i), i, left, right, merged);
        }
        boolean ignoreMerges = model.path("ignore_merges").asBoolean(false);
        PreTokenizer preTokenizer = PreTokenizerJson.read(root.path("pre_tokenizer"), ignoreMerges, file);
        int begin = named(config, "bos_token", SpecialTokens.BEGIN_OF_SENTENCE);
        int end = named(config, "eos_token", SpecialTokens.END_OF_SENTENCE);
        return new BpeModel(tokens, byteIds, left, right, merged, ignoreMerges, preTokenizer, added, begin, end, textPrefix(config, begin));
    }

    private void refuse(JsonNode model) {
        String type = model.path("type").asText("BPE");
        if (!type.equals("BPE")) {
            throw bad("model.type is " + type + ": only BPE can be read");
        }
        for (String key : new String[] {"continuing_subword_prefix", "end_of_word_suffix"}) {
            if (!model.path(key).asText("").isEmpty() && !model.path(key).isNull()) {
                throw bad("model." + key + " is set: only byte-level BPE without affixes can be read");
            }
        }
        if (model.path("byte_fallback").asBoolean(false)) {
            throw bad("model.byte_fallback is true: this is no byte-level BPE");
        }
        if (model.path("dropout").asDouble(0) != 0) {
            throw bad("model.dropout is set: ids would be random; remove it");
        }
        JsonNode normalizer = root.path("normalizer");
        boolean none = normalizer.isNull() || normalizer.isMissingNode()
                || normalizer.path("type").asText().equals("Sequence") && normalizer.path("normalizers").isEmpty();
        if (!none) {
            throw bad("normalizer " + normalizer.path("type").asText() + " changes the text before encoding: only files without one can be read");
        }
    }

    private List<AddedToken> added() {
        List<AddedToken> added = new ArrayList<>();
        for (JsonNode node : root.path("added_tokens")) {
            JsonNode id = node.path("id");
            if (!id.isInt() || id.intValue() < 0 || !node.path("content").isTextual()) {
                throw bad("added_tokens: an entry has no id or no content: " + node);
            }
            if (node.path("single_word").asBoolean(false)) {
                throw bad("added token " + node.path("content") + ": single_word is not supported");
            }
            added.add(new AddedToken(id.intValue(), node.path("content").textValue(), node.path("special").asBoolean(false),
                    node.path("normalized").asBoolean(false), node.path("lstrip").asBoolean(false), node.path("rstrip").asBoolean(false)));
        }
        return List.copyOf(added);
    }

    private byte[][] tokens(JsonNode vocab, List<AddedToken> added) {
        int highest = -1;
        for (JsonNode id : vocab) {
            if (!id.isInt() || id.intValue() < 0 || id.intValue() > 1 << 27) {
                throw bad("model.vocab: " + id + " is no token id");
            }
            highest = Math.max(highest, id.intValue());
        }
        for (AddedToken token : added) {
            highest = Math.max(highest, token.id());
        }
        String[] spellings = new String[highest + 1];
        byte[][] tokens = new byte[highest + 1][];
        Map<String, AddedToken> byContent = new HashMap<>();
        added.forEach(token -> byContent.put(token.content(), token));
        vocab.fields().forEachRemaining(entry -> {
            String spelling = entry.getKey();
            int id = entry.getValue().intValue();
            if (spellings[id] != null) {
                throw bad("model.vocab: id " + id + " is given to both " + quoted(spellings[id]) + " and " + quoted(spelling));
            }
            spellings[id] = spelling;
            byte[] bytes = byContent.containsKey(spelling) ? BpeModel.addedBytes(spelling) : ByteLevel.bytes(spelling);
            if (bytes == null) {
                throw bad("model.vocab: token " + quoted(spelling) + " has characters that stand for no byte: this is no byte-level BPE");
            }
            tokens[id] = bytes;
            ids.put(spelling, id);
        });
        for (AddedToken token : added) {
            if (spellings[token.id()] != null && !spellings[token.id()].equals(token.content())) {
                throw bad("id " + token.id() + " is given to both " + quoted(spellings[token.id()]) + " and added token "
                        + quoted(token.content()));
            }
            Integer inVocabulary = ids.putIfAbsent(token.content(), token.id());
            if (inVocabulary != null && inVocabulary != token.id()) {
                throw bad("added token " + quoted(token.content()) + " has id " + token.id() + " but " + inVocabulary + " in model.vocab");
            }
            spellings[token.id()] = token.content();
            tokens[token.id()] = BpeModel.addedBytes(token.content());
        }
        return tokens;
    }

    /** Single bytes; those that only an added token spells (DeepSeek LLM's last thirteen) are taken from there. */
    private int[] byteIds() {
        int[] byteIds = new int[256];
        int known = 0;
        for (int b = 0; b < 256; b++) {
            byteIds[b] = ids.getOrDefault(String.valueOf(ByteLevel.toChar(b)), -1);
            known += byteIds[b] >= 0 ? 1 : 0;
        }
        if (known == 0) {
            throw bad("model.vocab holds no single byte: the vocabulary is smaller than its alphabet");
        }
        return byteIds;
    }

    private void merge(JsonNode node, int rank, int[] left, int[] right, int[] merged) {
        String a;
        String b;
        if (node.isArray() && node.size() == 2) {
            a = node.get(0).asText();
            b = node.get(1).asText();
        } else {
            String text = node.asText();
            int blank = text.indexOf(' ');
            if (blank < 0) {
                throw bad("model.merges: number " + rank + " is not a pair: " + node);
            }
            a = text.substring(0, blank);
            b = text.substring(blank + 1);
        }
        left[rank] = part(a, rank);
        right[rank] = part(b, rank);
        merged[rank] = part(a + b, rank);
    }

    private int part(String spelling, int rank) {
        Integer id = ids.get(spelling);
        if (id == null) {
            throw bad("model.merges: number " + rank + " names " + quoted(spelling) + ", which is not in model.vocab");
        }
        return id;
    }

    private int named(JsonNode config, String key, String otherwise) {
        JsonNode token = config == null ? null : config.get(key);
        if (token == null || token.isNull()) {
            return ids.getOrDefault(otherwise, -1);
        }
        String content = token.isObject() ? token.path("content").asText() : token.asText();
        Integer id = ids.get(content);
        if (id == null) {
            throw bad("tokenizer_config.json names " + key + " " + quoted(content) + ", which is not in the vocabulary");
        }
        return id;
    }

    // Tokenizers of the Llama kind say it in tokenizer_config.json, which then overrides the file's template.
    private int textPrefix(JsonNode config, int begin) {
        JsonNode says = config == null ? null : config.get("add_bos_token");
        if (says != null && says.isBoolean()) {
            return says.booleanValue() ? begin : -1;
        }
        return templatePrefix(root.path("post_processor"));
    }

    private int templatePrefix(JsonNode processor) {
        for (JsonNode part : processor.path("processors")) {
            int prefix = templatePrefix(part);
            if (prefix >= 0) {
                return prefix;
            }
        }
        String name = processor.path("single").path(0).path("SpecialToken").path("id").asText("");
        if (!processor.path("type").asText().equals("TemplateProcessing") || name.isEmpty()) {
            return -1;
        }
        JsonNode prefix = processor.path("special_tokens").path(name).path("ids").path(0);
        if (!prefix.isInt()) {
            throw bad("post_processor puts " + quoted(name) + " in front of a text but does not say its id");
        }
        return prefix.intValue();
    }

    private static String quoted(String text) {
        return "\"" + (text.length() > 60 ? text.substring(0, 60) + "…" : text).replace("\n", "\\n").replace("\r", "\\r") + "\"";
    }
}
