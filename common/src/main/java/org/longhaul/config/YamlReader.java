package org.longhaul.config;

import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.longhaul.config.ConfigNode.Entry;
import org.longhaul.config.ConfigNode.Items;
import org.longhaul.config.ConfigNode.Position;
import org.longhaul.config.ConfigNode.Section;
import org.longhaul.config.ConfigNode.Text;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/** Reads YAML into {@link ConfigNode}s without resolving scalars, so that {@code no} stays the two letters it is. */
final class YamlReader {
    private final Faults faults;

    YamlReader(Faults faults) {
        this.faults = faults;
    }

    /** The top section of a file; empty after a fault that was recorded. */
    Optional<Section> file(Path file) {
        String name = file.toString();
        String text;
        try {
            byte[] bytes = Files.readAllBytes(file);
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            faults.addUnreadable(new Position(name, 0), "", "is not UTF-8 text; save it as UTF-8");
            return Optional.empty();
        } catch (IOException e) {
            faults.addUnreadable(new Position(name, 0), "", Files.isDirectory(file) ? "is a folder, a YAML file is expected"
                    : Files.exists(file) ? "cannot be read: " + e.getMessage() : "no such file" + Nearby.hint(file));
            return Optional.empty();
        }
        Optional<ConfigNode> root = text(text, name);
        if (root.isEmpty()) {
            return Optional.empty();
        }
        if (root.get() instanceof Section section) {
            return Optional.of(section);
        }
        if (root.get() instanceof Text scalar && scalar.isNull()) {
            return Optional.of(Section.empty(new Position(name, 1)));
        }
        faults.addUnreadable(root.get().at(), "", "must hold 'key: value' lines, found " + root.get().kind());
        return Optional.empty();
    }

    /** Any YAML text; {@code source} names it in messages. Empty after a fault that was recorded. */
    Optional<ConfigNode> text(String yaml, String source) {
        LoaderOptions options = new LoaderOptions();
        options.setMaxAliasesForCollections(1000);
        try {
            Iterator<Node> documents = new Yaml(options).composeAll(new StringReader(yaml)).iterator();
            Node first = documents.hasNext() ? documents.next() : null;
            if (documents.hasNext()) {
                Node second = documents.next();
                faults.add(at(second.getStartMark(), source), "", "a second YAML document begins here; keep one document in a file");
            }
            if (first == null) {
                return Optional.of(new Text("", false, new Position(source, 1)));
            }
            return Optional.of(convert(first, source, "", Collections.newSetFromMap(new IdentityHashMap<>())));
        } catch (MarkedYAMLException e) {
            faults.addUnreadable(at(e.getProblemMark(), source), "", "not valid YAML: " + oneLine(e.getProblem())
                    + (e.getContext() == null ? "" : " (" + oneLine(e.getContext()) + ")"));
        } catch (YAMLException e) {
            faults.addUnreadable(new Position(source, 0), "", "not valid YAML: " + oneLine(e.getMessage()));
        }
        return Optional.empty();
    }

    private ConfigNode convert(Node node, String source, String path, Set<Node> open) {
        Position at = at(node.getStartMark(), source);
        if (node instanceof ScalarNode scalar) {
            return new Text(scalar.getValue(), scalar.getScalarStyle() != DumperOptions.ScalarStyle.PLAIN, at);
        }
        if (!open.add(node)) {
            faults.add(at, path, "an anchor contains itself");
            return new Text("", false, at);
        }
        ConfigNode converted;
        if (node instanceof SequenceNode sequence) {
            List<ConfigNode> values = new ArrayList<>();
            for (Node item : sequence.getValue()) {
                values.add(convert(item, source, path + "[" + values.size() + "]", open));
            }
            converted = new Items(values, at);
        } else {
            converted = convertMapping((MappingNode) node, source, path, at, open);
        }
        open.remove(node);
        return converted;
    }

    private Section convertMapping(MappingNode mapping, String source, String path, Position at, Set<Node> open) {
        LinkedHashMap<String, Entry> entries = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            Position keyAt = at(tuple.getKeyNode().getStartMark(), source);
            if (!(tuple.getKeyNode() instanceof ScalarNode keyNode)) {
                faults.add(keyAt, path, "a key must be a plain word");
                continue;
            }
            String key = keyNode.getValue();
            if (key.equals("<<") && keyNode.getScalarStyle() == DumperOptions.ScalarStyle.PLAIN) {
                faults.add(keyAt, path, "'<<' is not supported; put the shared keys into a file of their own and 'include:' it");
                continue;
            }
            String childPath = Names.join(path, key);
            ConfigNode value = convert(tuple.getValueNode(), source, childPath, open);
            Entry earlier = entries.putIfAbsent(key, new Entry(keyAt, value));
            if (earlier != null) {
                faults.add(keyAt, childPath, "given twice, first in line " + earlier.at().line() + "; keep one");
            }
        }
        return new Section(entries, at);
    }

    private static Position at(Mark mark, String source) {
        return new Position(source, mark == null ? 0 : mark.getLine() + 1);
    }

    private static String oneLine(String text) {
        return text == null ? "unreadable" : text.strip().replaceAll("\\s+", " ");
    }
}
