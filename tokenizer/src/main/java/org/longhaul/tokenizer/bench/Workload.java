package org.longhaul.tokenizer.bench;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.text.TextFiles;

/**
 * Texts that are encoded in turn.
 *
 * @param name what they are
 * @param bytes the texts as UTF-8
 * @param strings the same texts for libraries that take strings; empty when they are not UTF-8
 */
record Workload(String name, List<byte[]> bytes, List<String> strings) {
    private static final int BLOCK = 1 << 14;

    static Workload of(Path file, String field, long limit) {
        List<byte[]> bytes = new ArrayList<>();
        long[] size = {0};
        TextFiles.of(List.of(file), field).forEach(1, i -> bytes, (list, document) -> {
            if (size[0] < limit) {
                list.add(document.copy());
                size[0] += document.length();
            }
        });
        if (size[0] == 0) {
            throw UserError.badInput(file + ": no text to encode");
        }
        List<String> strings = bytes.stream().map(b -> new String(b, StandardCharsets.UTF_8)).toList();
        return new Workload(file.getFileName().toString().replaceAll("\\.jsonl(\\.gz)?$", ""), bytes, strings);
    }

    /** 16 MB without a place to cut, and 16 MB that are not UTF-8. */
    static List<Workload> pathological() {
        byte[] letter = new byte[16_000_000];
        Arrays.fill(letter, (byte) 'a');
        byte[] random = new byte[16_000_000];
        new SplittableRandom(1).nextBytes(random);
        byte[] han = "\u4E2D".repeat(5_333_333).getBytes(StandardCharsets.UTF_8);
        return List.of(new Workload("16 MB of one letter", List.of(letter), List.of()),
                new Workload("16 MB of one Han character", List.of(han), List.of()),
                new Workload("16 MB of random bytes", List.of(random), List.of()));
    }

    /** The texts in blocks of 16 kB or one text, the largest first: whoever is handed one is soon ready for the next. */
    int[][] blocks() {
        List<int[]> blocks = new ArrayList<>();
        for (int from = 0; from < bytes.size(); ) {
            int to = from;
            int size = 0;
            while (to < bytes.size() && (to == from || size + bytes.get(to).length <= BLOCK)) {
                size += bytes.get(to++).length;
            }
            blocks.add(IntStream.range(from, to).toArray());
            from = to;
        }
        blocks.sort(Comparator.comparingLong(block -> -Arrays.stream(block).mapToLong(i -> bytes.get(i).length).sum()));
        return blocks.toArray(int[][]::new);
    }

    long size() {
        return bytes.stream().mapToLong(b -> b.length).sum();
    }
}
