package org.longhaul.tokenizer.train;

import java.util.Arrays;
import java.util.List;

/**
 * Merges the most frequent pair until the vocabulary is full. Only pairs that occur at least {@code threshold} times are followed; when
 * none of them is left the threshold falls and all pairs are counted anew. A rarer pair cannot become frequent meanwhile, because a
 * pair gets all its occurrences from the merge that makes one of its halves; and nearly all pairs are rare.
 */
final class MergeLoop {
    /** By how much the threshold falls, from the count of the most frequent pair at first. */
    private static final int STEP = 32;
    /** Where that would be below this, it falls in smaller steps: there are few pairs of count 10 beside all those of count 1. */
    private static final int RARE = 32;
    private static final int SMALL_STEP = 4;
    /** Lists of fewer positions are merged by one thread. */
    private static final int PARALLEL = 1 << 12;

    private final BpeTrainingConfig config;
    private final TrainingTokens tokens;
    private final TrainingWords words;
    private final List<int[]> merges;
    private final Crew crew;
    private final MergeWorker[] workers;
    private PairTable pairs = new PairTable();
    private MergeQueue queue = new MergeQueue();
    private IntArena lists = new IntArena();
    /** 0 before the first scan. */
    private long threshold;

    /**
     * @param tokens those there are; grows
     * @param words in these tokens; changes
     * @param merges what was merged so far; grows
     */
    MergeLoop(BpeTrainingConfig config, TrainingTokens tokens, TrainingWords words, List<int[]> merges, Crew crew) {
        this.config = config;
        this.tokens = tokens;
        this.words = words;
        this.merges = merges;
        this.crew = crew;
        workers = new MergeWorker[crew.size()];
        Arrays.setAll(workers, i -> new MergeWorker(words, tokens));
    }

    void run(BpeTrainer.Progress progress) {
        scan();
        while (tokens.size() < config.vocabularySize()) {
            if (queue.isEmpty()) {
                if (threshold <= least()) {
                    break;
                }
                threshold = below(threshold);
                scan();
                continue;
            }
            long live = pairs.get(queue.topPair());
            if (live < threshold) {
                pairs.remove(queue.topPair());
                lists.free(queue.topList(), queue.topLength());
                queue.pop();
            } else if (live != queue.topCount()) {
                queue.demoteTop(live);
            } else {
                mergeTop();
                progress.merged(new BpeTrainer.State(tokens.size(), config.vocabularySize(), live, merges));
            }
        }
    }

    private long least() {
        return Math.max(1, config.minFrequency());
    }

    private long below(long count) {
        return Math.max(least(), count / STEP >= RARE ? count / STEP : count / SMALL_STEP);
    }

    private void scan() {
        PairScan scan = new PairScan(words, tokens, crew);
        queue = new MergeQueue();
        lists = new IntArena();
        if (threshold == 0) {
            threshold = below(scan.most());
        }
        pairs = scan.atLeast(threshold);
        scan.list(pairs, lists, queue);
    }

    private void mergeTop() {
        long pair = queue.topPair();
        long address = queue.topList();
        int length = queue.topLength();
        queue.pop();
        pairs.remove(pair);
        int first = PairTable.left(pair);
        int second = PairTable.right(pair);
        int size = tokens.size();
        int merged = tokens.join(first, second);
        merges.add(new int[] {first, second, merged});
        int[] list = lists.chunk(address);
        int from = IntArena.index(address);
        int busy = length < PARALLEL ? 1 : workers.length;
        if (busy == 1) {
            workers[0].merge(list, from, from + length, first, second, merged);
        } else {
            int[] bounds = bounds(list, from, length);
            crew.run(w -> workers[w].merge(list, bounds[w], bounds[w + 1], first, second, merged));
        }
        lists.free(address, length);
        if (tokens.size() > size) {
            collect(busy, first, second, merged);
        }
        for (int w = 0; w < busy; w++) {
            workers[w].clear();
        }
        if (tokens.size() == size) {
            // The token was there already, so that pairs with it may have become more frequent.
            scan();
        }
    }

    /** Each worker's part of a list, none of which shares a word with another. */
    private int[] bounds(int[] list, int from, int length) {
        int n = workers.length;
        int[] bounds = new int[n + 1];
        bounds[0] = from;
        for (int i = 1; i <= n; i++) {
            int at = Math.max(bounds[i - 1] + 1, from + (int) ((long) length * i / n));
            bounds[i] = i == n || at >= from + length ? from + length : words.cut(list, at, from + length);
        }
        return bounds;
    }

    /** Brings the changes into the table, then queues the new pairs with where they occur. */
    private void collect(int busy, int first, int second, int merged) {
        // What (merged, first) loses again where two merged pairs meet.
        long meets = 0;
        for (int w = 0; w < busy; w++) {
            meets += workers[w].before.counts[merged];
        }
        for (int w = 0; w < busy; w++) {
            MergeWorker.Side before = workers[w].before;
            for (int i = 0; i < before.symbolsSize; i++) {
                int x = before.symbols[i];
                if (isNew(w, x, true)) {
                    long count = total(w, busy, x, true);
                    if (x != merged) {
                        pairs.addIfPresent(PairTable.pair(x, first), -count);
                    }
                    follow(w, busy, x, true, PairTable.pair(x, merged), count);
                }
            }
            MergeWorker.Side after = workers[w].after;
            for (int i = 0; i < after.symbolsSize; i++) {
                int x = after.symbols[i];
                if (isNew(w, x, false)) {
                    long count = total(w, busy, x, false);
                    pairs.addIfPresent(PairTable.pair(second, x), -count);
                    follow(w, busy, x, false, PairTable.pair(merged, x), count - (x == first ? meets : 0));
                }
            }
        }
        if (busy == 1) {
            workers[0].fill(lists);
        } else {
            crew.run(w -> workers[w].fill(lists));
        }
    }

    private MergeWorker.Side side(int worker, boolean before) {
        return before ? workers[worker].before : workers[worker].after;
    }

    /** Whether no earlier worker has met the symbol. */
    private boolean isNew(int worker, int x, boolean before) {
        for (int w = 0; w < worker; w++) {
            if (side(w, before).counts[x] > 0) {
                return false;
            }
        }
        return true;
    }

    private long total(int from, int busy, int x, boolean before) {
        long total = 0;
        for (int w = from; w < busy; w++) {
            total += side(w, before).counts[x];
        }
        return total;
    }

    /** Queues a new pair if it is frequent enough, with one list for what all workers found, and tells them where to write. */
    private void follow(int from, int busy, int x, boolean before, long pair, long count) {
        boolean follow = count >= threshold && (long) tokens.lengths[PairTable.left(pair)] + tokens.lengths[PairTable.right(pair)] < config.maxTokenLength();
        int room = 0;
        for (int w = from; follow && w < busy; w++) {
            room += side(w, before).occurrences[x];
        }
        long address = follow ? lists.allocate(room) : -1;
        if (follow) {
            pairs.add(pair, count);
            queue.push(count, pair, address, room);
        }
        for (int w = from; w < busy; w++) {
            side(w, before).places[x] = address;
            address += follow ? side(w, before).occurrences[x] : 0;
        }
    }
}
