package org.longhaul.data.sample;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * The hand-written material of one language: sentences with slots, by topic. The file's name is the language; its format is described by
 * the files in {@code configs/quickstart/corpus}.
 *
 * @param language language tag, or {@code code}
 * @param join how sentences follow one another
 * @param slots the words that a slot may become
 * @param topics what documents are about
 */
record Material(String language, Join join, Map<String, List<String>> slots, List<Topic> topics) {
    private static final Pattern SLOT = Pattern.compile("\\{([A-Za-z]+)(!?)\\}");

    /** How sentences follow one another. */
    enum Join {
        /** With a space between them, as in English. */
        SPACE,
        /** With nothing between them, as in Chinese. */
        NONE,
        /** One a line, blank lines and indentation kept, as in programs. */
        LINE
    }

    /**
     * A topic: the title and the parts that follow it. In prose a part is one sentence; in programs it is several lines, the first and the last
     * part always stay.
     */
    record Topic(String name, String title, List<String> parts) {}

    static Material read(Path file) {
        String language = file.getFileName().toString().replaceFirst("\\.txt$", "");
        try {
            return parse(language, Files.readAllLines(file), file.toString());
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read as UTF-8 text: " + Reason.of(e), e);
        }
    }

    static Material parse(String language, List<String> lines, String file) {
        Join join = Join.SPACE;
        Map<String, List<String>> slots = new LinkedHashMap<>();
        List<Topic> topics = new ArrayList<>();
        String section = "";
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            String at = file + ":" + (i + 1) + ": ";
            boolean program = join == Join.LINE && section.startsWith("topic ");
            if (line.equals("[part]") || line.equals("[end]")) {
                last(topics, at).parts().add("");
            } else if (line.matches("\\[(join|slots|topic .+)\\]")) {
                section = line.substring(1, line.length() - 1);
                if (section.startsWith("topic ")) {
                    topics.add(new Topic(section.substring(6), "", new ArrayList<>()));
                }
            } else if (!program && (line.isBlank() || line.startsWith("#"))) {
                continue;
            } else if (section.equals("join")) {
                join = line.strip().equals("none") ? Join.NONE : Join.LINE;
            } else if (section.equals("slots")) {
                String[] pair = line.split("=", 2);
                if (pair.length != 2) {
                    throw UserError.badInput(at + "a slot is written 'name = word | word'");
                }
                slots.put(pair[0].strip(), List.of(pair[1].strip().split("\\s*\\|\\s*")));
            } else if (line.startsWith("title = ")) {
                Topic topic = last(topics, at);
                topics.set(topics.size() - 1, new Topic(topic.name(), line.substring(8).strip(), topic.parts()));
            } else {
                addText(last(topics, at).parts(), line, program);
            }
        }
        Material material = new Material(language, join, Map.copyOf(slots), List.copyOf(topics));
        material.check(file);
        return material;
    }

    private static Topic last(List<Topic> topics, String at) {
        if (topics.isEmpty()) {
            throw UserError.badInput(at + "text before the first [topic NAME]");
        }
        return topics.get(topics.size() - 1);
    }

    private static void addText(List<String> parts, String line, boolean program) {
        if (!program) {
            parts.add(line.strip());
        } else if (parts.isEmpty()) {
            parts.add(line + "\n");
        } else {
            parts.set(parts.size() - 1, parts.get(parts.size() - 1) + line + "\n");
        }
    }

    private void check(String file) {
        if (topics.isEmpty()) {
            throw UserError.badInput(file + ": holds no [topic NAME]");
        }
        for (Topic topic : topics) {
            if (topic.title().isEmpty() || topic.parts().isEmpty()) {
                throw UserError.badInput(file + ": topic '" + topic.name() + "' needs a title and text");
            }
            List<String> texts = new ArrayList<>(topic.parts());
            texts.add(topic.title());
            for (String text : texts) {
                Matcher matcher = SLOT.matcher(text);
                while (matcher.find()) {
                    if (!slots.containsKey(matcher.group(1))) {
                        throw UserError.badInput(file + ": topic '" + topic.name() + "' uses the unknown slot {" + matcher.group(1) + "}");
                    }
                }
            }
        }
    }

    static Matcher slotsIn(String text) {
        return SLOT.matcher(text);
    }
}
