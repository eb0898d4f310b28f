package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Mesh;

/** A layout as one word: {@code tp2}, {@code pp4.v2}, {@code pp2.dp2.tp2}; {@code one} is a single rank. */
final class LayoutName {
    private static final Pattern PART = Pattern.compile("(pp|dp|tp|v)(\\d+)");

    private LayoutName() {}

    static Mesh parse(String word) {
        int pipeline = 1;
        int data = 1;
        int tensor = 1;
        int virtual = 1;
        for (String part : word.equals("one") ? new String[0] : word.split("\\.")) {
            Matcher m = PART.matcher(part.toLowerCase(Locale.ROOT));
            if (!m.matches()) {
                throw UserError.badInput("layout '" + word + "': '" + part + "' is none of ppN, dpN, tpN, vN; an example is pp2.dp2.tp2");
            }
            int n = Integer.parseInt(m.group(2));
            switch (m.group(1)) {
                case "pp" -> pipeline = n;
                case "dp" -> data = n;
                case "tp" -> tensor = n;
                default -> virtual = n;
            }
        }
        try {
            return new Mesh(pipeline, Math.max(1, data), tensor, virtual);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput("layout '" + word + "': " + e.getMessage(), e);
        }
    }

    static String of(Mesh mesh) {
        List<String> parts = new ArrayList<>();
        add(parts, "pp", mesh.pipeline());
        add(parts, "v", mesh.virtualStages());
        add(parts, "dp", mesh.data());
        add(parts, "tp", mesh.tensor());
        return parts.isEmpty() ? "one" : String.join(".", parts);
    }

    private static void add(List<String> parts, String name, int n) {
        if (n > 1) {
            parts.add(name + n);
        }
    }
}
