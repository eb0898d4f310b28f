package org.longhaul.config;

import java.util.LinkedHashMap;
import java.util.List;

/** A configuration value as written, before anybody knows its type; every part remembers where it was written. */
sealed interface ConfigNode {
    /** Where the value starts. */
    Position at();

    /** What a message calls this kind of node. */
    String kind();

    /** Text as written, without any guess at its type. */
    record Text(String value, boolean quoted, Position at) implements ConfigNode {
        /** True for {@code ~}, {@code null} and nothing at all. */
        boolean isNull() {
            return !quoted && (value.isEmpty() || value.equals("~") || value.equals("null"));
        }

        @Override
        public String kind() {
            return isNull() ? "nothing" : "the single value '" + value + "'";
        }
    }

    /** A sequence. */
    record Items(List<ConfigNode> values, Position at) implements ConfigNode {
        @Override
        public String kind() {
            return "a list";
        }
    }

    /** A mapping in the order of the file; mutable, because includes and overrides are merged into it. */
    record Section(LinkedHashMap<String, Entry> entries, Position at) implements ConfigNode {
        static Section empty(Position at) {
            return new Section(new LinkedHashMap<>(), at);
        }

        @Override
        public String kind() {
            return "a section of keys";
        }
    }

    /** One key of a section. */
    record Entry(Position at, ConfigNode value) {}

    /** A file and a line in it; line 0 stands for a source without lines, such as the command line. */
    record Position(String file, int line) {
        @Override
        public String toString() {
            return line > 0 ? file + ":" + line : file;
        }
    }
}
