package org.longhaul.data.sample;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import org.longhaul.data.sample.Material.Join;
import org.longhaul.data.sample.Material.Topic;

/** Writes documents from {@link Material}; the same random state gives the same document. */
final class TextMaker {
    private final Material material;
    private final Random random;
    private final Map<String, String> fixed = new HashMap<>();

    TextMaker(Material material, Random random) {
        this.material = material;
        this.random = random;
    }

    /** One document with a title in its first line. */
    Text document() {
        fixed.clear();
        return material.join() == Join.LINE ? program() : prose();
    }

    /** A title and paragraphs, which hold no line breaks in prose. */
    record Text(String title, List<String> paragraphs) {
        String plain() {
            return title + "\n\n" + String.join("\n\n", paragraphs);
        }
    }

    private Text prose() {
        List<Topic> topics = new ArrayList<>(material.topics());
        Collections.shuffle(topics, random);
        int count = Math.min(topics.size(), 2 + random.nextInt(2));
        List<String> paragraphs = new ArrayList<>();
        for (Topic topic : topics.subList(0, count)) {
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < topic.parts().size(); i++) {
                order.add(i);
            }
            Collections.shuffle(order, random);
            // The order of the material is kept: most sentences lead to the next.
            List<Integer> chosen = new ArrayList<>(order.subList(0, Math.min(order.size(), 4 + random.nextInt(3))));
            Collections.sort(chosen);
            List<String> sentences = chosen.stream().map(i -> fill(topic.parts().get(i))).toList();
            paragraphs.add(String.join(material.join() == Join.NONE ? "" : " ", sentences));
        }
        return new Text(fill(topics.get(0).title()), paragraphs);
    }

    private Text program() {
        Topic topic = material.topics().get(random.nextInt(material.topics().size()));
        StringBuilder program = new StringBuilder();
        int last = topic.parts().size() - 1;
        for (int i = 0; i <= last; i++) {
            if (i == 0 || i == last || random.nextInt(4) > 0) {
                program.append(fill(topic.parts().get(i)));
            }
        }
        return new Text(fill(topic.title()), List.of(program.toString()));
    }

    private String fill(String template) {
        Matcher matcher = Material.slotsIn(template);
        StringBuilder text = new StringBuilder();
        while (matcher.find()) {
            List<String> words = material.slots().get(matcher.group(1));
            String word = matcher.group(2).isEmpty() ? words.get(random.nextInt(words.size()))
                    : fixed.computeIfAbsent(matcher.group(1), slot -> words.get(random.nextInt(words.size())));
            matcher.appendReplacement(text, Matcher.quoteReplacement(word));
        }
        String filled = matcher.appendTail(text).toString();
        boolean sentence = material.join() == Join.SPACE && !filled.isEmpty();
        return sentence ? filled.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + filled.substring(1) : filled;
    }
}
