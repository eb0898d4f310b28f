package org.longhaul.data.sample;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/** What crawls are full of and a filter must find: one document of each kind at a time. */
enum Junk {
    /** Signs without words. */
    SYMBOLS(12),
    /** The same line again and again. */
    REPEATED_LINES(12),
    /** Filler text of a page that nobody wrote. */
    LOREM_IPSUM(8),
    /** Teasers that break off. */
    TRUNCATED(10),
    /** A few words. */
    TOO_SHORT(20),
    /** What a page says without its scripts. */
    SCRIPT_NOTICE(6),
    /** Nothing but a list of links. */
    LINK_LIST(10),
    /** Encoded bytes. */
    ENCODED(6),
    /** A shop's list of search words. */
    KEYWORDS(8);

    private static final String SIGNS = "#@%&*~^|<>=+$§{}[]/\\";
    private static final List<String> PLACES = List.of("Home", "Products", "About us", "Contact", "Imprint", "Newsletter", "Sign in", "Basket", "Help", "Terms of use");
    private static final List<String> WARES = List.of("cheap", "boots", "buy", "online", "sale", "best", "price", "shoes", "discount", "free", "shipping", "brand", "new");
    private static final List<String> LATIN = List.of("lorem ipsum dolor sit amet", "consectetur adipiscing elit", "sed do eiusmod tempor", "incididunt ut labore",
            "et dolore magna aliqua", "ut enim ad minim veniam", "quis nostrud exercitation", "ullamco laboris nisi");

    private final int documents;

    Junk(int documents) {
        this.documents = documents;
    }

    /** How many the corpus holds. */
    int documents() {
        return documents;
    }

    String text(Random random, String sentence) {
        StringBuilder text = new StringBuilder();
        switch (this) {
            case SYMBOLS -> repeat(200 + random.nextInt(200), i -> text.append(SIGNS.charAt(random.nextInt(SIGNS.length()))).append(i % 7 == 6 ? " " : ""));
            case REPEATED_LINES -> repeat(15 + random.nextInt(20), i -> text.append(sentence).append('\n'));
            case LOREM_IPSUM -> repeat(12 + random.nextInt(10), i -> text.append(pick(LATIN, random)).append(i % 4 == 3 ? ". " : ", "));
            case TRUNCATED -> repeat(8 + random.nextInt(5), i -> text.append(sentence, 0, Math.max(8, sentence.length() - 5 - random.nextInt(10))).append(i)
                    .append("...\n"));
            case TOO_SHORT -> text.append(sentence, 0, Math.min(sentence.length(), 25));
            case SCRIPT_NOTICE -> repeat(4, i -> text.append("Please enable JavaScript in your browser to use page ").append(random.nextInt(1000)).append(".\n"));
            case LINK_LIST -> repeat(25 + random.nextInt(20), i -> text.append("• ").append(pick(PLACES, random)).append('\n'));
            case ENCODED -> {
                byte[] bytes = new byte[600 + random.nextInt(300)];
                random.nextBytes(bytes);
                text.append(new String(Base64.getMimeEncoder().encode(bytes), StandardCharsets.US_ASCII));
            }
            case KEYWORDS -> repeat(80 + random.nextInt(60), i -> text.append(pick(WARES, random)).append(' '));
            default -> throw new IllegalStateException(name());
        }
        return text.toString().strip();
    }

    private static void repeat(int times, java.util.function.IntConsumer action) {
        for (int i = 0; i < times; i++) {
            action.accept(i);
        }
    }

    private static String pick(List<String> words, Random random) {
        return words.get(random.nextInt(words.size()));
    }
}
