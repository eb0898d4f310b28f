package org.longhaul.interchange;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.longhaul.error.UserError;
import org.longhaul.model.ModelConfig;
import org.longhaul.tensor.DType;

/**
 * {@code config.json} of a Hugging Face Llama folder and what of it our decoder can be.
 *
 * @param model the decoder's shape
 * @param tied whether the output head is the embedding
 */
record HfConfig(ModelConfig model, boolean tied) {
    static final String NAME = "config.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Our decoder as {@code LlamaForCausalLM}; ids below 0 are left out. */
    static ObjectNode describe(ModelConfig m, DType dtype, int bos, int eos) {
        ObjectNode c = JSON.createObjectNode();
        c.putArray("architectures").add("LlamaForCausalLM");
        c.put("model_type", "llama");
        c.put("vocab_size", m.vocab());
        c.put("hidden_size", m.dModel());
        c.put("intermediate_size", m.ffn());
        c.put("num_hidden_layers", m.layers());
        c.put("num_attention_heads", m.heads());
        c.put("num_key_value_heads", m.kvHeads());
        c.put("head_dim", m.headDim());
        c.put("hidden_act", "silu");
        c.put("max_position_embeddings", m.context());
        c.put("initializer_range", m.initStd());
        c.put("rms_norm_eps", m.normEps());
        c.put("rope_theta", m.ropeTheta());
        c.putNull("rope_scaling");
        c.put("attention_bias", false);
        c.put("attention_dropout", 0.0);
        c.put("mlp_bias", false);
        c.put("tie_word_embeddings", false);
        c.put("torch_dtype", dtype == DType.BF16 ? "bfloat16" : "float32");
        c.put("use_cache", true);
        ids(c, bos, eos);
        return c;
    }

    /** {@code generation_config.json}. */
    static ObjectNode generation(int bos, int eos) {
        ObjectNode c = JSON.createObjectNode();
        c.put("_from_model_config", true);
        ids(c, bos, eos);
        return c;
    }

    // Without ids transformers would assume Llama's own 1 and 2.
    private static void ids(ObjectNode c, int bos, int eos) {
        if (bos >= 0) {
            c.put("bos_token_id", bos);
        } else {
            c.putNull("bos_token_id");
        }
        if (eos >= 0) {
            c.put("eos_token_id", eos);
        } else {
            c.putNull("eos_token_id");
        }
    }

    /** Reads a folder's configuration. Throws UserError naming the key that our decoder has no counterpart for. */
    static HfConfig read(Path folder) throws IOException {
        Path file = folder.resolve(NAME);
        JsonNode c;
        try {
            c = JSON.readTree(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw UserError.badInput(folder + " is not a Hugging Face model folder: it has no " + NAME, e);
        } catch (JsonProcessingException e) {
            throw UserError.badInput(file + " is not JSON: " + e.getOriginalMessage(), e);
        }
        String type = c.path("model_type").asText("");
        if (!type.equals("llama")) {
            throw UserError.badInput(file + ": model_type " + type + " cannot be imported, only llama");
        }
        require(file, c, "hidden_act", "silu");
        require(file, c, "attention_bias", "false");
        require(file, c, "mlp_bias", "false");
        require(file, c, "pretraining_tp", "1");
        JsonNode rope = c.hasNonNull("rope_parameters") ? c.get("rope_parameters") : c.path("rope_scaling");
        String ropeType = rope.path("rope_type").asText(rope.path("type").asText("default"));
        if (!ropeType.equals("default")) {
            throw UserError.badInput(file + ": rotary embeddings of type " + ropeType + " cannot be imported, only unscaled ones");
        }
        double theta = rope.hasNonNull("rope_theta") ? rope.get("rope_theta").asDouble() : c.path("rope_theta").asDouble(10000);
        int heads = integer(file, c, "num_attention_heads");
        int width = integer(file, c, "hidden_size");
        if (c.hasNonNull("head_dim") && (long) c.get("head_dim").asInt() * heads != width) {
            throw UserError.badInput(file + ": head_dim " + c.get("head_dim") + " times num_attention_heads " + heads
                    + " is not hidden_size " + width + "; such models cannot be imported");
        }
        try {
            ModelConfig model = new ModelConfig(integer(file, c, "num_hidden_layers"), width, heads,
                    c.path("num_key_value_heads").asInt(0), integer(file, c, "intermediate_size"), integer(file, c, "vocab_size"),
                    c.path("max_position_embeddings").asInt(2048), theta, c.path("rms_norm_eps").asDouble(1e-6),
                    c.path("initializer_range").asDouble(0.02));
            return new HfConfig(model, c.path("tie_word_embeddings").asBoolean(false));
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(file + ": " + e.getMessage(), e);
        }
    }

    private static int integer(Path file, JsonNode c, String key) {
        if (!c.path(key).isInt()) {
            throw UserError.badInput(file + " has no whole number " + key);
        }
        return c.get(key).asInt();
    }

    private static void require(Path file, JsonNode c, String key, String value) {
        if (c.hasNonNull(key) && !c.get(key).asText().equals(value)) {
            throw UserError.badInput(file + ": " + key + " " + c.get(key).asText() + " cannot be imported, only " + value);
        }
    }
}
