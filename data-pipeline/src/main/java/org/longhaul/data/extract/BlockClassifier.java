package org.longhaul.data.extract;

import java.util.List;
import java.util.Locale;

/**
 * Marks blocks as content or not: first each by its length, links and sentences, then the undecided ones by their neighbours, in
 * the manner of jusText and boilerpipe (Kohlschütter et al. 2010) but without word lists, so that it serves every language.
 */
final class BlockClassifier {
    private static final int SHORT = 40;
    private static final int LONG = 80;
    private static final int VERY_LONG = 200;

    private BlockClassifier() {}

    static void classify(List<Block> blocks) {
        for (Block block : blocks) {
            block.mark = alone(block);
        }
        Block.Mark[] first = blocks.stream().map(b -> b.mark).toArray(Block.Mark[]::new);
        int[] before = decidedBefore(first);
        int[] after = decidedAfter(first);
        for (int i = 0; i < first.length; i++) {
            Block block = blocks.get(i);
            boolean goodBefore = before[i] >= 0 && first[before[i]] == Block.Mark.GOOD;
            boolean goodAfter = after[i] < first.length && first[after[i]] == Block.Mark.GOOD;
            if (first[i] == Block.Mark.NEAR) {
                block.mark = goodBefore || goodAfter ? Block.Mark.GOOD : Block.Mark.BAD;
            } else if (first[i] == Block.Mark.SHORT) {
                boolean near = i > 0 && first[i - 1] == Block.Mark.NEAR || i + 1 < first.length && first[i + 1] == Block.Mark.NEAR;
                block.mark = goodBefore && goodAfter || near && (goodBefore || goodAfter) ? Block.Mark.GOOD : Block.Mark.BAD;
            }
        }
        headings(blocks);
    }

    private static Block.Mark alone(Block block) {
        if (block.kind == Block.Kind.HEADING) {
            return block.linkDensity > 0.9 && block.width < SHORT ? Block.Mark.BAD : Block.Mark.SHORT;
        }
        if (block.kind == Block.Kind.PREFORMATTED) {
            return block.width >= LONG ? Block.Mark.GOOD : Block.Mark.NEAR;
        }
        if (block.width < VERY_LONG && isNotice(block.text)) {
            return Block.Mark.BAD;
        }
        // Encyclopedias link half of every sentence; lists of links are no paragraphs and end no sentence.
        boolean linkedProse = block.kind == Block.Kind.PARAGRAPH && block.sentence && block.linkDensity < 0.9;
        if (block.width >= LONG && linkedProse) {
            return block.linkDensity < 0.5 ? Block.Mark.GOOD : Block.Mark.NEAR;
        }
        if (block.width >= VERY_LONG) {
            return block.linkDensity < 0.5 ? Block.Mark.GOOD : Block.Mark.BAD;
        }
        if (block.width < SHORT) {
            return block.linkDensity > 0.2 ? Block.Mark.BAD : Block.Mark.SHORT;
        }
        if (block.linkDensity > (block.sentence ? 0.5 : 0.33)) {
            return Block.Mark.BAD;
        }
        return block.width >= LONG && block.sentence ? Block.Mark.GOOD : Block.Mark.NEAR;
    }

    private static boolean isNotice(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        return lower.indexOf('\u00A9') >= 0
                || lower.contains("all rights reserved")
                || lower.contains("copyright ")
                || lower.contains("cookies")
                || lower.contains("privacy policy");
    }

    private static int[] decidedBefore(Block.Mark[] marks) {
        int[] out = new int[marks.length];
        int last = -1;
        for (int i = 0; i < marks.length; i++) {
            out[i] = last;
            last = marks[i] == Block.Mark.GOOD || marks[i] == Block.Mark.BAD ? i : last;
        }
        return out;
    }

    private static int[] decidedAfter(Block.Mark[] marks) {
        int[] out = new int[marks.length];
        int next = marks.length;
        for (int i = marks.length - 1; i >= 0; i--) {
            out[i] = next;
            next = marks[i] == Block.Mark.GOOD || marks[i] == Block.Mark.BAD ? i : next;
        }
        return out;
    }

    /** A heading stays with what it heads: the next block that is none. */
    private static void headings(List<Block> blocks) {
        boolean good = false;
        for (int i = blocks.size() - 1; i >= 0; i--) {
            Block block = blocks.get(i);
            if (block.kind == Block.Kind.HEADING) {
                block.mark = good ? Block.Mark.GOOD : Block.Mark.BAD;
            } else {
                good = block.mark == Block.Mark.GOOD;
            }
        }
    }
}
