package org.longhaul.tokenizer.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.util.function.Consumer;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Takes the text, source and language out of JSON lines. */
final class JsonLines {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build()).build();

    private final String field;

    JsonLines(String field) {
        this.field = field;
    }

    void forEach(byte[] bytes, int length, long firstLine, TextDocument document, Consumer<TextDocument> each) {
        long line = firstLine;
        for (int at = 0; at < length; line++) {
            int end = at;
            while (end < length && bytes[end] != '\n') {
                end++;
            }
            if (!blank(bytes, at, end)) {
                document.line = line;
                read(bytes, at, end - at, document);
                each.accept(document);
            }
            at = end + 1;
        }
    }

    private static boolean blank(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] > ' ' || bytes[i] < 0) {
                return false;
            }
        }
        return true;
    }

    private void read(byte[] bytes, int from, int length, TextDocument document) {
        document.length = 0;
        document.source = "";
        document.language = "";
        boolean found = false;
        try (JsonParser parser = FACTORY.createParser(bytes, from, length)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw bad(document, "is not a JSON object", null);
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (name.equals(field)) {
                    if (value != JsonToken.VALUE_STRING) {
                        throw bad(document, "has no text in \"" + field + "\"", null);
                    }
                    char[] chars = parser.getTextCharacters();
                    document.append(chars, parser.getTextOffset(), parser.getTextLength());
                    found = true;
                } else if (name.equals("source") && value == JsonToken.VALUE_STRING) {
                    document.source = parser.getText();
                } else if (name.equals("lang") && value == JsonToken.VALUE_STRING) {
                    document.language = parser.getText();
                } else {
                    parser.skipChildren();
                }
            }
        } catch (JsonProcessingException e) {
            throw bad(document, "is not JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""), e);
        } catch (IOException e) {
            throw bad(document, "cannot be read: " + Reason.of(e), e);
        }
        if (!found) {
            throw bad(document, "has no key \"" + field + "\"; name the key of the text with --field", null);
        }
    }

    private static UserError bad(TextDocument document, String what, Exception e) {
        return UserError.badInput(document.file + ": line " + document.line + " " + what, e);
    }
}
