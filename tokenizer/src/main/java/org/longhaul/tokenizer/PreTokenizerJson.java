package org.longhaul.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import org.longhaul.error.UserError;

/** Pre-tokenizers as Hugging Face's JSON writes them, and back. */
final class PreTokenizerJson {
    private static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String CL100K = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final Set<String> CL100K_SPELLINGS = Set.of(CL100K,
            "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
            "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
    private static final String QWEN2 = CL100K.replace("{1,3}", "");
    private static final String TRAILING_SPACE = "\\s+$";

    private PreTokenizerJson() {}

    static JsonNode write(PreTokenizer preTokenizer) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        List<JsonNode> steps = new ArrayList<>();
        switch (preTokenizer) {
            case GPT2 -> {
                return byteLevel(true);
            }
            case CL100K, LLAMA3 -> steps.add(split(CL100K));
            case QWEN2 -> steps.add(split(QWEN2));
            case DEEPSEEK -> {
                steps.add(split("[\r\n]"));
                steps.add(split("\\s?[" + ranges(UnicodeClasses.DEEPSEEK_LETTER) + "]+"));
                steps.add(split("\\s?[" + ranges(UnicodeClasses.DEEPSEEK_PUNCTUATION) + "]+"));
                steps.add(split(TRAILING_SPACE));
                steps.add(split("[" + ranges(UnicodeClasses.DEEPSEEK_CJK) + "]+"));
                steps.add(json.objectNode().put("type", "Digits").put("individual_digits", true));
            }
            default -> throw new IllegalArgumentException("no JSON form of " + preTokenizer);
        }
        steps.add(byteLevel(false));
        ArrayNode list = json.arrayNode();
        steps.forEach(list::add);
        ObjectNode sequence = json.objectNode().put("type", "Sequence");
        sequence.set("pretokenizers", list);
        return sequence;
    }

    private static ObjectNode byteLevel(boolean regex) {
        return JsonNodeFactory.instance.objectNode().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true)
                .put("use_regex", regex);
    }

    private static ObjectNode split(String regex) {
        ObjectNode split = JsonNodeFactory.instance.objectNode().put("type", "Split");
        split.set("pattern", JsonNodeFactory.instance.objectNode().put("Regex", regex));
        return split.put("behavior", "Isolated").put("invert", false);
    }

    /** The pre-tokenizer that the JSON describes; an error that quotes the step that is not known. */
    static PreTokenizer read(JsonNode node, boolean ignoreMerges, String file) {
        List<JsonNode> steps = new ArrayList<>();
        flatten(node, steps);
        if (steps.isEmpty() || !steps.get(steps.size() - 1).path("type").asText().equals("ByteLevel")) {
            throw UserError.badInput(file + ": pre_tokenizer does not end in ByteLevel: only byte-level BPE can be read");
        }
        JsonNode byteLevel = steps.remove(steps.size() - 1);
        if (byteLevel.path("add_prefix_space").asBoolean(true)) {
            throw UserError.badInput(file + ": pre_tokenizer: add_prefix_space must be false, else decoding does not give the text back");
        }
        boolean regex = byteLevel.path("use_regex").asBoolean(true);
        if (regex && steps.isEmpty()) {
            return PreTokenizer.GPT2;
        }
        if (!regex && steps.size() == 1) {
            String pattern = pattern(steps.get(0));
            if (GPT2.equals(pattern)) {
                return PreTokenizer.GPT2;
            }
            if (pattern != null && CL100K_SPELLINGS.contains(pattern)) {
                return ignoreMerges ? PreTokenizer.LLAMA3 : PreTokenizer.CL100K;
            }
            if (QWEN2.equals(pattern)) {
                return PreTokenizer.QWEN2;
            }
        }
        if (!regex && isDeepSeek(steps)) {
            return PreTokenizer.DEEPSEEK;
        }
        String first = steps.isEmpty() ? byteLevel.toString() : steps.get(0).toString();
        throw UserError.badInput(file + ": pre_tokenizer is none of deepseek, gpt2, cl100k, llama3, qwen2; its " + steps.size()
                + " steps before ByteLevel start with " + (first.length() > 200 ? first.substring(0, 200) + "…" : first));
    }

    private static void flatten(JsonNode node, List<JsonNode> steps) {
        if (node.path("type").asText().equals("Sequence")) {
            node.path("pretokenizers").forEach(step -> flatten(step, steps));
        } else if (!node.isNull() && !node.isMissingNode()) {
            steps.add(node);
        }
    }

    /** The regex of a step that cuts at its matches and keeps everything; null for other steps. */
    private static String pattern(JsonNode step) {
        String behavior = step.path("behavior").asText();
        boolean invert = step.path("invert").asBoolean(false);
        boolean keeps = behavior.equals("Isolated") || behavior.equals("Removed") && invert;
        return step.path("type").asText().equals("Split") && keeps ? step.path("pattern").path("Regex").asText(null) : null;
    }

    private static boolean isDeepSeek(List<JsonNode> steps) {
        if (steps.size() != 6 || steps.stream().limit(5).anyMatch(s -> pattern(s) == null || s.path("invert").asBoolean(false))) {
            return false;
        }
        JsonNode digits = steps.get(5);
        return isClass(pattern(steps.get(0)), "[", "]", UnicodeClasses.NEWLINE)
                && isClass(pattern(steps.get(1)), "\\s?[", "]+", UnicodeClasses.DEEPSEEK_LETTER)
                && isClass(pattern(steps.get(2)), "\\s?[", "]+", UnicodeClasses.DEEPSEEK_PUNCTUATION)
                && pattern(steps.get(3)).equals(TRAILING_SPACE)
                && isClass(pattern(steps.get(4)), "[", "]+", UnicodeClasses.DEEPSEEK_CJK)
                && digits.path("type").asText().equals("Digits") && digits.path("individual_digits").asBoolean(false);
    }

    private static boolean isClass(String pattern, String before, String after, int bit) {
        return pattern.startsWith(before) && pattern.endsWith(after) && pattern.length() > before.length() + after.length()
                && members(pattern.substring(before.length(), pattern.length() - after.length())).equals(members(bit));
    }

    private static BitSet members(int bit) {
        BitSet set = new BitSet(0x110000);
        for (int c = 0; c < 0x110000; c++) {
            if ((UnicodeClasses.OF[c] & bit) != 0) {
                set.set(c);
            }
        }
        return set;
    }

    /** The members of what stands between the brackets: characters, ranges, and the escapes that such files use. */
    private static BitSet members(String ranges) {
        int[] points = unescape(ranges);
        BitSet set = new BitSet(0x110000);
        for (int i = 0; i < points.length; i++) {
            if (i + 2 < points.length && points[i + 1] == '-' && points[i] <= points[i + 2]) {
                set.set(points[i], points[i + 2] + 1);
                i += 2;
            } else {
                set.set(points[i]);
            }
        }
        return set;
    }

    private static int[] unescape(String text) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\' || i + 1 == text.length()) {
                plain.append(c);
                continue;
            }
            char escaped = text.charAt(++i);
            switch (escaped) {
                case 'r' -> plain.append('\r');
                case 'n' -> plain.append('\n');
                case 'u' -> {
                    if (i + 4 >= text.length() || !text.substring(i + 1, i + 5).matches("[0-9A-Fa-f]{4}")) {
                        return new int[] {-1 >>> 1 & 0x10FFFF};
                    }
                    plain.append((char) Integer.parseInt(text.substring(i + 1, i + 5), 16));
                    i += 4;
                }
                default -> plain.append(escaped);
            }
        }
        return plain.codePoints().toArray();
    }

    private static String ranges(int bit) {
        BitSet set = members(bit);
        StringBuilder out = new StringBuilder();
        for (int from = set.nextSetBit(0); from >= 0; ) {
            int to = set.nextClearBit(from) - 1;
            out.appendCodePoint(from);
            if (to > from) {
                out.append(to > from + 1 ? "-" : "").appendCodePoint(to);
            }
            from = set.nextSetBit(to + 1);
        }
        return out.toString();
    }
}
