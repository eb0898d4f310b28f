package org.longhaul.data.read;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.core.JsonFactory;
import java.io.IOException;
import java.io.InputStream;

/** JSON Lines: one object a line; blank lines are passed over. */
final class JsonlReader extends QueueReader {
    private static final ObjectReader JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(Integer.MAX_VALUE)
                            .maxNumberLength(10_000)
                            .maxNestingDepth(500)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .reader();

    private final String source;
    private final ReadSettings settings;
    private final LineScanner lines;
    private final FieldPath text;
    private final FieldPath id;
    private final FieldPath url;
    private final FieldPath language;
    private final FieldPath sourceField;

    JsonlReader(String file, String source, InputStream in, ReadSettings settings) {
        super(file);
        this.source = source;
        this.settings = settings;
        this.lines = new LineScanner(in, settings.maxRecordBytes());
        this.text = new FieldPath(settings.textField());
        this.id = new FieldPath(settings.idField());
        this.url = new FieldPath(settings.urlField());
        this.language = new FieldPath(settings.languageField());
        this.sourceField = new FieldPath(settings.sourceField());
    }

    @Override
    boolean advance() throws IOException {
        if (!lines.next()) {
            return false;
        }
        Position where = lines.lineStart();
        if (lines.tooLong()) {
            problem(
                    where,
                    ReadProblem.Kind.RECORD_TOO_LARGE,
                    "the line has " + lines.fullLength() + " bytes, more than max_record_bytes = "
                            + settings.maxRecordBytes() + "; skipped");
            return true;
        }
        byte[] bytes = lines.bytes();
        int from = where.line() == 1 ? byteOrderMark(bytes, lines.length()) : 0;
        if (isBlank(bytes, from, lines.length())) {
            return true;
        }
        Utf8.Decoded line = Utf8.decode(bytes, from, lines.length() - from);
        JsonNode node;
        try {
            node = JSON.readTree(line.text());
        } catch (JsonProcessingException e) {
            return malformed(where, line.text(), e.getOriginalMessage());
        }
        if (!node.isObject()) {
            return malformed(where, line.text(), "expected a JSON object but found "
                    + node.getNodeType().name().toLowerCase(java.util.Locale.ROOT));
        }
        accept(where, node, line.repairs());
        return true;
    }

    private boolean malformed(Position where, String line, String reason) {
        if (where.line() == 1 && line.stripLeading().startsWith("[")) {
            problem(
                    where,
                    ReadProblem.Kind.CORRUPT_FILE,
                    "the file is a JSON array; write one object a line (jq -c '.[]'); nothing of it is read");
            return false;
        }
        problem(where, ReadProblem.Kind.MALFORMED_JSON, reason + "; skipped");
        return true;
    }

    private void accept(Position where, JsonNode node, int repairs) {
        JsonNode value = text.in(node);
        if (value == null || !value.isTextual() || value.textValue().isBlank()) {
            String found = value == null || value.isNull()
                    ? "no field \"" + settings.textField() + "\""
                    : !value.isTextual()
                            ? "field \"" + settings.textField() + "\" is no string"
                            : "field \"" + settings.textField() + "\" is empty";
            problem(where, ReadProblem.Kind.NO_TEXT, found + "; skipped");
            return;
        }
        Utf8.Decoded body = Utf8.repairSurrogates(value.textValue());
        String recordId = id.text(node);
        String ownSource = sourceField.text(node);
        emit(new InputRecord(
                file,
                where,
                recordId.isEmpty() ? fallbackId(file, where) : Utf8.repairSurrogates(recordId).text(),
                ownSource.isEmpty() ? source : Utf8.repairSurrogates(ownSource).text(),
                Utf8.repairSurrogates(language.text(node)).text(),
                Utf8.repairSurrogates(url.text(node)).text(),
                new InputRecord.Text(body.text()),
                repairs + body.repairs()));
    }

    /** File name and position: unique in an input, and the same wherever the folder lies. */
    static String fallbackId(String file, Position where) {
        return file.substring(file.lastIndexOf('/') + 1) + "#" + where.offset();
    }

    private static int byteOrderMark(byte[] bytes, int length) {
        boolean mark = length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF;
        return mark ? 3 : 0;
    }

    private static boolean isBlank(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    @Override
    Position position() {
        return lines.lineStart();
    }

    @Override
    long bytesRead() {
        return lines.offset();
    }

    @Override
    void release() throws IOException {
        lines.close();
    }
}
