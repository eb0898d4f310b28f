package org.longhaul.data.read;

import com.fasterxml.jackson.databind.JsonNode;

/** A configured field name: first taken literally, then as a dotted path into nested objects. */
final class FieldPath {
    private final String name;
    private final String[] parts;

    FieldPath(String name) {
        this.name = name;
        this.parts = name.split("\\.");
    }

    /** The value, or null when there is none. */
    JsonNode in(JsonNode object) {
        if (name.isEmpty()) {
            return null;
        }
        JsonNode direct = object.get(name);
        if (direct != null || parts.length < 2) {
            return direct;
        }
        JsonNode node = object;
        for (String part : parts) {
            node = node == null ? null : node.get(part);
        }
        return node;
    }

    /** A scalar value as text; empty when there is none. */
    String text(JsonNode object) {
        JsonNode node = in(object);
        return node == null || node.isNull() || node.isContainerNode() ? "" : node.asText();
    }
}
