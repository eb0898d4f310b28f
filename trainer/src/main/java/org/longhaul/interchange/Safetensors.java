package org.longhaul.interchange;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Tensor;

/** The header of the safetensors format: eight bytes of length, JSON with each tensor's type, shape and place, then the data. */
final class Safetensors {
    /** The format's own limit. */
    static final long MAX_HEADER = 100_000_000;

    private static final ObjectMapper JSON = new ObjectMapper();

    private Safetensors() {}

    /** Element types by the format's names, with their sizes; only floats of these three are converted. */
    enum Type {
        F32(4),
        BF16(2),
        F16(2);

        private final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }

        int bytes() {
            return bytes;
        }
    }

    /** A tensor's type, shape and place; {@code begin} counts from the end of the header. */
    record Entry(String name, Type type, long[] shape, long begin) {
        long bytes() {
            return Tensor.elements(shape) * type.bytes();
        }
    }

    /** Header bytes with the length in front, padded with spaces so that data starts at a multiple of 8; entries follow each other. */
    static byte[] header(List<Entry> entries) {
        ObjectNode root = JSON.createObjectNode();
        root.putObject("__metadata__").put("format", "pt");
        for (Entry e : entries) {
            ObjectNode node = root.putObject(e.name());
            node.put("dtype", e.type().name());
            node.set("shape", JSON.valueToTree(e.shape()));
            node.putArray("data_offsets").add(e.begin()).add(e.begin() + e.bytes());
        }
        try {
            byte[] json = JSON.writeValueAsBytes(root);
            int length = (json.length + 7) / 8 * 8;
            byte[] out = new byte[8 + length];
            for (int i = 0; i < 8; i++) {
                out[i] = (byte) ((long) length >>> 8 * i);
            }
            System.arraycopy(json, 0, out, 8, json.length);
            Arrays.fill(out, 8 + json.length, out.length, (byte) ' ');
            return out;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads a header's JSON; throws UserError naming the file and tensor when it does not fit the data. */
    static Map<String, Entry> parse(byte[] json, String file, long dataBytes) {
        try {
            Map<String, Entry> entries = new LinkedHashMap<>();
            JsonNode root = JSON.readTree(new String(json, StandardCharsets.UTF_8));
            if (root == null || !root.isObject()) {
                throw UserError.badInput(file + " is not a safetensors file: its header is not a JSON object");
            }
            for (Map.Entry<String, JsonNode> field : root.properties()) {
                if (!field.getKey().equals("__metadata__")) {
                    entries.put(field.getKey(), entry(field.getKey(), field.getValue(), file, dataBytes));
                }
            }
            return entries;
        } catch (IOException e) {
            throw UserError.badInput(file + " is not a safetensors file: its header is not JSON", e);
        }
    }

    private static Entry entry(String name, JsonNode node, String file, long dataBytes) {
        Type type;
        try {
            type = Type.valueOf(node.path("dtype").asText());
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(file + ": tensor " + name + " has type " + node.path("dtype").asText()
                    + "; only F32, BF16 and F16 can be imported", e);
        }
        JsonNode dims = node.path("shape");
        long[] shape = new long[dims.size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = dims.get(i).asLong(-1);
        }
        long begin = node.path("data_offsets").path(0).asLong(-1);
        long end = node.path("data_offsets").path(1).asLong(-1);
        boolean negative = Arrays.stream(shape).anyMatch(d -> d < 0);
        if (negative || begin < 0 || end > dataBytes || end - begin != Tensor.elements(shape) * type.bytes()) {
            throw UserError.badInput(file + ": tensor " + name + " " + type + Arrays.toString(shape) + " at bytes " + begin + " to " + end
                    + " does not fit the " + dataBytes + " bytes of data; the file is damaged or cut short");
        }
        return new Entry(name, type, shape, begin);
    }
}
