package org.longhaul.config;

import java.util.Locale;

/** Turns Java names into the snake_case names used in YAML. */
final class Names {
    private Names() {}

    /** {@code microBatch} → {@code micro_batch}, {@code MultiStep} → {@code multi_step}, {@code OUT_PROJ} → {@code out_proj}. */
    static String snake(String name) {
        if (name.equals(name.toUpperCase(Locale.ROOT))) {
            return name.toLowerCase(Locale.ROOT);
        }
        StringBuilder snake = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean upper = Character.isUpperCase(c);
            boolean wordStart = upper && i > 0
                    && (!Character.isUpperCase(name.charAt(i - 1)) || i + 1 < name.length() && Character.isLowerCase(name.charAt(i + 1)));
            if (wordStart && snake.charAt(snake.length() - 1) != '_') {
                snake.append('_');
            }
            snake.append(Character.toLowerCase(c));
        }
        return snake.toString();
    }

    /** The dotted path of {@code key} below {@code section}. */
    static String join(String section, String key) {
        return section.isEmpty() ? key : section + "." + key;
    }
}
