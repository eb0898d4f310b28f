package org.longhaul.tokenizer.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.longhaul.tokenizer.ByteLevel;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.TrainedVocabulary;

/**
 * Learns byte-pair merges from word counts, merge for merge as Hugging Face's {@code BpeTrainer} does: the pair with the highest
 * count first, of equal counts the one with the lowest (left id, right id), where the alphabet is numbered by its
 * byte-level characters. Counts have 64 bits (theirs wrap at 2^31). Memory: about 4 bytes a symbol of distinct words, 4 bytes for
 * every word in which a live pair occurs and 28 bytes for a live pair.
 */
public final class BpeTrainer {
    /** Lists of fewer words are merged by one thread. */
    private static final int PARALLEL = 1 << 14;

    private final BpeTrainingConfig config;
    private final TrainingWords words = new TrainingWords();
    private final PairTable pairs = new PairTable();
    private final MergeQueue queue = new MergeQueue();
    private final IntArena lists = new IntArena();
    private final byte[][] tokens;
    private final int[] tokenLengths;
    private final Map<java.nio.ByteBuffer, Integer> idOfToken = new HashMap<>();
    private final List<int[]> merges = new ArrayList<>();
    private int size;

    private BpeTrainer(BpeTrainingConfig config) {
        this.config = config;
        tokens = new byte[config.vocabularySize()][];
        tokenLengths = new int[config.vocabularySize()];
    }

    /** Is told after every merge: how many tokens there are, of how many, and how often the merged pair occurs. */
    public interface Progress {
        /** Called from the thread that trains. */
        void merged(int tokens, int wanted, long count);
    }

    /** Trains without progress. */
    public static TrainedVocabulary train(WordCounts counts, BpeTrainingConfig config, PreTokenizer preTokenizer) {
        return train(counts, config, preTokenizer, (tokens, wanted, count) -> {});
    }

    /**
     * Trains until the vocabulary has the size wanted or no pair is left that occurs often enough; the result may be smaller than wanted.
     *
     * @param preTokenizer the one that cut the words; goes into the result
     */
    public static TrainedVocabulary train(WordCounts counts, BpeTrainingConfig config, PreTokenizer preTokenizer, Progress progress) {
        BpeTrainer trainer = new BpeTrainer(config);
        trainer.alphabet(counts);
        trainer.countPairs();
        trainer.mergeAll(progress);
        int[][] m = trainer.merges.toArray(new int[0][]);
        return new TrainedVocabulary(preTokenizer, Arrays.copyOf(trainer.tokens, trainer.size),
                Arrays.stream(m).mapToInt(x -> x[0]).toArray(), Arrays.stream(m).mapToInt(x -> x[1]).toArray(),
                Arrays.stream(m).mapToInt(x -> x[2]).toArray());
    }

    private void alphabet(WordCounts counts) {
        boolean[] seen = new boolean[256];
        if (config.alphabet() == BpeTrainingConfig.Alphabet.LEARNED) {
            counts.forEach((bytes, from, length, count) -> {
                for (int i = from; i < from + length; i++) {
                    seen[bytes[i] & 0xFF] = true;
                }
            });
        }
        int[] byChar = java.util.stream.IntStream.range(0, 256).boxed().sorted((a, b) -> ByteLevel.toChar(a) - ByteLevel.toChar(b))
                .mapToInt(b -> b).toArray();
        int[] symbolOfByte = new int[256];
        Arrays.fill(symbolOfByte, -1);
        for (int b : byChar) {
            if (config.alphabet().contains(b, seen[b]) && size < tokens.length) {
                symbolOfByte[b] = size;
                token(new byte[] {(byte) b});
            }
        }
        counts.forEach((bytes, from, length, count) -> words.add(bytes, from, length, count, symbolOfByte));
    }

    private int token(byte[] bytes) {
        Integer known = idOfToken.putIfAbsent(java.nio.ByteBuffer.wrap(bytes), size);
        if (known != null) {
            return known;
        }
        tokens[size] = bytes;
        tokenLengths[size] = bytes.length;
        return size++;
    }

    /** Pairs of base symbols fit a dense table; words are listed in a second pass, once their number is known. */
    private void countPairs() {
        int symbols = size;
        long[] counts = new long[symbols * symbols];
        int[] listed = new int[symbols * symbols];
        int[] last = new int[symbols * symbols];
        Arrays.fill(last, -1);
        for (int word = 0; word < words.size(); word++) {
            int[] s = words.chunk(word);
            int head = words.index(word);
            for (int i = head + 1; i < head + s[head]; i++) {
                int pair = s[i] * symbols + s[i + 1];
                counts[pair] += words.count(word);
                if (last[pair] != word) {
                    last[pair] = word;
                    listed[pair]++;
                }
            }
        }
        long[] addresses = new long[symbols * symbols];
        for (int pair = 0; pair < counts.length; pair++) {
            if (counts[pair] > 0) {
                addresses[pair] = lists.allocate(listed[pair]);
            }
        }
        int[] filled = new int[symbols * symbols];
        Arrays.fill(last, -1);
        for (int word = 0; word < words.size(); word++) {
            int[] s = words.chunk(word);
            int head = words.index(word);
            for (int i = head + 1; i < head + s[head]; i++) {
                int pair = s[i] * symbols + s[i + 1];
                if (last[pair] != word) {
                    last[pair] = word;
                    lists.chunk(addresses[pair])[IntArena.index(addresses[pair]) + filled[pair]++] = word;
                }
            }
        }
        for (int pair = 0; pair < counts.length; pair++) {
            if (counts[pair] > 0) {
                long key = PairTable.pair(pair / symbols, pair % symbols);
                pairs.add(key, counts[pair]);
                queue.push(counts[pair], key, addresses[pair], listed[pair]);
            }
        }
    }

    private void mergeAll(Progress progress) {
        int threads = config.threads();
        MergeWorker[] workers = new MergeWorker[threads];
        for (int i = 0; i < threads; i++) {
            workers[i] = new MergeWorker(words, config.vocabularySize(), tokenLengths, config.maxTokenLength());
        }
        ExecutorService executor = threads == 1 ? null : Executors.newFixedThreadPool(threads - 1, task -> {
            Thread thread = new Thread(task, "bpe-merge");
            thread.setDaemon(true);
            return thread;
        });
        try {
            while (size < config.vocabularySize() && !queue.isEmpty()) {
                long live = pairs.get(queue.topPair());
                if (live != queue.topCount()) {
                    queue.demoteTop(live);
                    continue;
                }
                if (live < Math.max(1, config.minFrequency())) {
                    break;
                }
                mergeTop(workers, executor);
                progress.merged(size, config.vocabularySize(), live);
            }
        } finally {
            if (executor != null) {
                executor.shutdownNow();
            }
        }
    }

    private void mergeTop(MergeWorker[] workers, ExecutorService executor) {
        long pair = queue.topPair();
        long address = queue.topList();
        int length = queue.topLength();
        queue.pop();
        int first = (int) (pair >>> 32);
        int second = (int) pair;
        byte[] bytes = Arrays.copyOf(tokens[first], tokens[first].length + tokens[second].length);
        System.arraycopy(tokens[second], 0, bytes, tokens[first].length, tokens[second].length);
        int merged = token(bytes);
        merges.add(new int[] {first, second, merged});
        int[] list = lists.chunk(address);
        int from = IntArena.index(address);
        int busy = executor == null || length < PARALLEL ? 1 : workers.length;
        if (busy == 1) {
            workers[0].merge(list, from, from + length, first, second, merged);
        } else {
            inParallel(workers, executor, list, from, length, first, second, merged);
        }
        lists.free(address, length);
        collect(workers, busy, first, second, merged);
    }

    private static void inParallel(MergeWorker[] workers, ExecutorService executor, int[] list, int from, int length, int first,
            int second, int merged) {
        int n = workers.length;
        List<Future<?>> others = new ArrayList<>();
        for (int i = 1; i < n; i++) {
            MergeWorker worker = workers[i];
            int start = from + (int) ((long) length * i / n);
            int end = from + (int) ((long) length * (i + 1) / n);
            others.add(executor.submit(() -> worker.merge(list, start, end, first, second, merged)));
        }
        workers[0].merge(list, from, from + (int) ((long) length / n), first, second, merged);
        try {
            for (Future<?> other : others) {
                other.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while merging", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Brings the changes into the table, then queues the new pairs with the words they occur in. */
    private void collect(MergeWorker[] workers, int busy, int first, int second, int merged) {
        for (int w = 0; w < busy; w++) {
            MergeWorker worker = workers[w];
            for (int i = 0; i < worker.touchedSize; i++) {
                int slot = worker.touched[i];
                int kind = worker.kind(slot);
                int x = worker.symbol(slot);
                pairs.add(key(kind, x, first, second, merged), worker.deltas[kind][x]);
            }
        }
        for (int w = 0; w < busy; w++) {
            MergeWorker worker = workers[w];
            for (int i = 0; i < worker.touchedSize; i++) {
                int slot = worker.touched[i];
                int kind = worker.kind(slot);
                if (kind >= MergeWorker.BEFORE_NEW) {
                    queueNew(workers, w, busy, slot, kind, key(kind, worker.symbol(slot), first, second, merged));
                }
            }
        }
        fillLists(workers, busy);
        for (int w = 0; w < busy; w++) {
            workers[w].clear();
        }
    }

    private static long key(int kind, int x, int first, int second, int merged) {
        return switch (kind) {
            case MergeWorker.BEFORE_FIRST -> PairTable.pair(x, first);
            case MergeWorker.AFTER_SECOND -> PairTable.pair(second, x);
            case MergeWorker.BEFORE_NEW -> PairTable.pair(x, merged);
            default -> PairTable.pair(merged, x);
        };
    }

    /** Allocates the list of a new pair, once for all workers that met it, and remembers in them where it is to be filled. */
    private void queueNew(MergeWorker[] workers, int from, int busy, int slot, int kind, long key) {
        int x = workers[from].symbol(slot);
        if (workers[from].wordCounts[kind][x] < 0) {
            return;
        }
        int total = 0;
        for (int w = from; w < busy; w++) {
            total += workers[w].isTouched(kind, x) ? workers[w].wordCounts[kind][x] : 0;
        }
        long live = pairs.get(key);
        long address = live > 0 ? lists.allocate(total) : -1;
        long at = address;
        for (int w = from; w < busy; w++) {
            if (workers[w].isTouched(kind, x)) {
                int here = workers[w].wordCounts[kind][x];
                workers[w].place(kind, x, at);
                at += live > 0 ? here : 0;
            }
        }
        if (live > 0) {
            queue.push(live, key, address, total);
        }
    }

    private void fillLists(MergeWorker[] workers, int busy) {
        for (int w = 0; w < busy; w++) {
            MergeWorker worker = workers[w];
            for (int i = 0; i < worker.logSize; i++) {
                long at = worker.nextPlace(worker.logSlots[i]);
                if (at >= 0) {
                    lists.chunk(at)[IntArena.index(at)] = worker.logWords[i];
                }
            }
        }
    }
}
