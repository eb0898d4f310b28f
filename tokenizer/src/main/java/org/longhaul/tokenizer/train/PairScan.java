package org.longhaul.tokenizer.train;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts all pairs of the words as they are, and lists where the frequent ones occur. Counting divides the pairs among the workers, each
 * of which reads all words; listing divides the words.
 */
final class PairScan {
    /** Up to this many pairs that there could be are counted in an array, without hashing. */
    private static final int DENSE = 1 << 20;
    /** Windows of two symbols that are counted in tables at the same time. */
    private static final int WINDOWS_AT_ONCE = 1 << 23;

    private final TrainingWords words;
    private final TrainingTokens tokens;
    private final Crew crew;

    PairScan(TrainingWords words, TrainingTokens tokens, Crew crew) {
        this.words = words;
        this.tokens = tokens;
        this.crew = crew;
    }

    /** How often the most frequent pair occurs that may be merged; 0 without any. */
    long most() {
        long[] most = new long[crew.size()];
        count((worker, pair, count) -> most[worker] = Math.max(most[worker], count));
        return Arrays.stream(most).max().orElse(0);
    }

    /** The counts of the pairs that occur at least {@code threshold} times and may be merged. */
    PairTable atLeast(long threshold) {
        // Not straight into tables: what comes in the order of one table's slots fills a smaller one from one end, in quadratic time.
        PairList[] found = new PairList[crew.size()];
        Arrays.setAll(found, i -> new PairList());
        count((worker, pair, count) -> {
            if (count >= threshold) {
                found[worker].add(pair, count);
            }
        });
        PairTable all = new PairTable(Arrays.stream(found).mapToInt(list -> list.size).reduce(0, Math::addExact));
        for (PairList list : found) {
            for (int i = 0; i < list.size; i++) {
                all.add(list.pairs[i], list.counts[i]);
            }
        }
        return all;
    }

    private static final class PairList {
        private long[] pairs = new long[1 << 10];
        private long[] counts = new long[1 << 10];
        private int size;

        private void add(long pair, long count) {
            if (size == pairs.length) {
                pairs = Arrays.copyOf(pairs, size + (size >> 1));
                counts = Arrays.copyOf(counts, size + (size >> 1));
            }
            pairs[size] = pair;
            counts[size++] = count;
        }
    }

    private interface Found {
        void pair(int worker, long pair, long count);
    }

    private void count(Found found) {
        int size = tokens.size();
        if ((long) size * size <= DENSE) {
            countDense(size, found);
        } else {
            countHashed(found);
        }
    }

    private void countDense(int size, Found found) {
        long[] bounds = words.cut(crew.size());
        long[][] counts = new long[crew.size()][];
        crew.run(worker -> {
            long[] own = new long[size * size];
            WindowReader windows = new WindowReader(words, tokens, bounds[worker], bounds[worker + 1]);
            for (int n = windows.read(); n > 0; n = windows.read()) {
                for (int i = 0; i < n; i++) {
                    own[PairTable.left(windows.pairs[i]) * size + PairTable.right(windows.pairs[i])] += windows.counts[i];
                }
            }
            counts[worker] = own;
        });
        for (int left = 0; left < size; left++) {
            for (int right = 0; right < size; right++) {
                long count = 0;
                for (long[] own : counts) {
                    count += own[left * size + right];
                }
                if (count > 0 && tokens.mayMerge(left, right)) {
                    found.pair(0, PairTable.pair(left, right), count);
                }
            }
        }
    }

    /** In several parts if there are many windows: a table of all pairs would be the largest of the training. */
    private void countHashed(Found found) {
        int turns = (int) (1 + windows() / WINDOWS_AT_ONCE);
        int parts = turns * crew.size();
        crew.run(worker -> {
            for (int turn = 0; turn < turns; turn++) {
                int part = turn * crew.size() + worker;
                PairTable table = new PairTable();
                WindowReader windows = new WindowReader(words, tokens, 0, words.cells());
                for (int n = windows.read(); n > 0; n = windows.read()) {
                    for (int i = 0; i < n; i++) {
                        if (PairTable.part(windows.pairs[i], parts) == part) {
                            table.add(windows.pairs[i], windows.counts[i]);
                        }
                    }
                }
                table.forEach((pair, count) -> {
                    if (tokens.mayMerge(PairTable.left(pair), PairTable.right(pair))) {
                        found.pair(worker, pair, count);
                    }
                });
            }
        });
    }

    private long windows() {
        long[] bounds = words.cut(crew.size());
        AtomicLong sum = new AtomicLong();
        crew.run(worker -> {
            WindowReader windows = new WindowReader(words, tokens, bounds[worker], bounds[worker + 1]);
            for (int n = windows.read(); n > 0; n = windows.read()) {
                sum.addAndGet(n);
            }
        });
        return sum.get();
    }

    /** Lists the positions of all pairs of a table, each list ascending, and queues the pairs. */
    void list(PairTable pairs, IntArena lists, MergeQueue queue) {
        int[] number = {0};
        long[] keys = new long[pairs.size()];
        PairTable numbers = new PairTable(pairs.size());
        pairs.forEach((pair, count) -> {
            keys[number[0]] = pair;
            numbers.add(pair, ++number[0]);
        });
        long[] bounds = words.cut(crew.size());
        int[][] rooms = new int[crew.size()][];
        crew.run(worker -> {
            int[] room = new int[keys.length + 1];
            WindowReader windows = new WindowReader(words, tokens, bounds[worker], bounds[worker + 1]);
            for (int n = windows.read(); n > 0; n = windows.read()) {
                for (int i = 0; i < n; i++) {
                    room[(int) numbers.get(windows.pairs[i])]++;
                }
            }
            rooms[worker] = room;
        });
        long[][] places = new long[crew.size()][keys.length + 1];
        for (int i = 1; i <= keys.length; i++) {
            int total = 0;
            for (int[] room : rooms) {
                total = Math.addExact(total, room[i]);
            }
            long address = lists.allocate(total);
            queue.push(pairs.get(keys[i - 1]), keys[i - 1], address, total);
            for (int worker = 0; worker < rooms.length; worker++) {
                places[worker][i] = address;
                address += rooms[worker][i];
            }
        }
        crew.run(worker -> {
            long[] place = places[worker];
            WindowReader windows = new WindowReader(words, tokens, bounds[worker], bounds[worker + 1]);
            for (int n = windows.read(); n > 0; n = windows.read()) {
                for (int i = 0; i < n; i++) {
                    int pair = (int) numbers.get(windows.pairs[i]);
                    if (pair > 0) {
                        long at = place[pair]++;
                        lists.chunk(at)[IntArena.index(at)] = windows.positions[i];
                    }
                }
            }
        });
    }
}
