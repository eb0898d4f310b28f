package org.longhaul.shards;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.error.UserError;

/** The text form of a {@link ShardManifest}, protected by its own checksum. */
public final class ManifestFile {
    private static final Pattern CHECKSUM = Pattern.compile("\"checksum\" : \"([0-9a-f]{32})\"");
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    private ManifestFile() {}

    /** The file's bytes, checksum filled in. The same manifest gives the same bytes on every machine. */
    public static byte[] toBytes(ShardManifest manifest) {
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
        printer.indentObjectsWith(new DefaultIndenter("  ", "\n"));
        try {
            String text = JSON.writer(printer).writeValueAsString(manifest) + "\n";
            Matcher matcher = CHECKSUM.matcher(text);
            if (!matcher.find()) {
                throw new IllegalStateException("manifest text without a checksum field");
            }
            String blank = blank(text, matcher);
            return (text.substring(0, matcher.start(1)) + Hex.xxh3(blank) + text.substring(matcher.end(1)))
                    .getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("manifest cannot be written as JSON", e);
        }
    }

    /**
     * Reads and checks.
     *
     * @param name of the file, for messages
     * @throws UserError when it is not a manifest, is newer than this code, or its checksum does not match
     */
    public static ShardManifest parse(byte[] bytes, String name) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        try {
            JsonNode tree = JSON.readTree(text);
            if (!ShardManifest.FORMAT.equals(tree.path("format").asText())) {
                throw UserError.badInput(name + ": not a manifest of Longhaul shards");
            }
            if (tree.path("version").asInt() > ShardManifest.VERSION) {
                throw UserError.badInput(name + ": version " + tree.path("version").asInt() + " is newer than this Longhaul, which reads up to "
                        + ShardManifest.VERSION + "; use a newer Longhaul");
            }
            Matcher matcher = CHECKSUM.matcher(text);
            if (!matcher.find() || !Hex.xxh3(blank(text, matcher)).equals(matcher.group(1))) {
                throw UserError.badInput(name + ": checksum does not match: the manifest was damaged or edited; copy it again or run the pipeline again");
            }
            return JSON.treeToValue(tree, ShardManifest.class);
        } catch (JsonProcessingException e) {
            throw UserError.badInput(name + ": damaged JSON at line " + (e.getLocation() == null ? "?" : e.getLocation().getLineNr())
                    + ": " + e.getOriginalMessage().lines().findFirst().orElse(""), e);
        }
    }

    private static String blank(String text, Matcher matcher) {
        return text.substring(0, matcher.start(1)) + "0".repeat(32) + text.substring(matcher.end(1));
    }
}
