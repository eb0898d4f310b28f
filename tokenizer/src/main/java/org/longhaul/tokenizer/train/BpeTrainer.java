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
import org.longhaul.tokenizer.SpecialTokens;
import org.longhaul.tokenizer.TokenBuffer;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.TrainedVocabulary;

/**
 * Learns byte-pair merges from word counts, merge for merge as Hugging Face's {@code BpeTrainer} does: the pair with the highest
 * count first, of equal counts the one with the lowest (left id, right id), where the alphabet is numbered by its
 * byte-level characters. Counts have 64 bits (theirs wrap at 2^31). Memory: 4 bytes a symbol of distinct words and 16 bytes a word;
 * little beside, since rare pairs are not followed before their time.
 */
public final class BpeTrainer {
    /** Lists of fewer words are merged by one thread. */
    private static final int PARALLEL = 1 << 14;
    /** By how much the threshold of pairs that are followed falls when none is left. */
    private static final int STEP = 32;
    /** Below this threshold it falls in smaller steps: there are few pairs of count 10 beside all those of count 1. */
    private static final int RARE = 64;
    private static final int SMALL_STEP = 4;
    /** Windows of two symbols that are counted in one table. */
    private static final int WINDOWS_AT_ONCE = 1 << 23;

    private final BpeTrainingConfig config;
    private final TrainingWords words = new TrainingWords();
    private PairTable pairs = new PairTable();
    private MergeQueue queue = new MergeQueue();
    private IntArena lists = new IntArena();
    /** Pairs that occur less often are not followed at present; 0 before the first scan. */
    private long threshold;
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

    /** How far a training is. */
    public interface Progress {
        /** Called after every merge, from the thread that trains. */
        void merged(State state);
    }

    /**
     * A training after a merge.
     *
     * @param tokens tokens there are, of {@code wanted}
     * @param wanted tokens wanted
     * @param count how often the merged pair occurred
     * @param merges all merges so far, as (left, right, result); valid during the call
     */
    public record State(int tokens, int wanted, long count, List<int[]> merges) {}

    /** Trains without progress. */
    public static TrainedVocabulary train(WordCounts counts, BpeTrainingConfig config, PreTokenizer preTokenizer) {
        return train(counts, config, preTokenizer, List.of(), state -> {});
    }

    /**
     * Trains until the vocabulary has the size wanted or no pair is left that occurs often enough; the result may be smaller than wanted.
     *
     * @param preTokenizer the one that cut the words; goes into the result
     * @param earlier merges that a training on the same counts and settings has already made; the result is the same with or without
     */
    public static TrainedVocabulary train(WordCounts counts, BpeTrainingConfig config, PreTokenizer preTokenizer, List<int[]> earlier,
            Progress progress) {
        BpeTrainer trainer = new BpeTrainer(config);
        int[] symbolOfByte = trainer.alphabet(counts);
        trainer.load(counts, symbolOfByte, earlier, preTokenizer);
        // The trainer has its own form of the words; the table they came in need not live as long.
        counts = null;
        trainer.mergeAll(progress);
        return trainer.vocabulary(preTokenizer);
    }

    private TrainedVocabulary vocabulary(PreTokenizer preTokenizer) {
        int[][] m = merges.toArray(new int[0][]);
        return new TrainedVocabulary(preTokenizer, Arrays.copyOf(tokens, size), Arrays.stream(m).mapToInt(x -> x[0]).toArray(),
                Arrays.stream(m).mapToInt(x -> x[1]).toArray(), Arrays.stream(m).mapToInt(x -> x[2]).toArray());
    }

    /** Makes the base tokens and returns the symbol of every byte, -1 for those outside the alphabet. */
    private int[] alphabet(WordCounts counts) {
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
        return symbolOfByte;
    }

    /** Takes the words in, as bytes, or as what the earlier merges make of them. */
    private void load(WordCounts counts, int[] symbolOfByte, List<int[]> earlier, PreTokenizer preTokenizer) {
        if (earlier.isEmpty()) {
            counts.forEach((bytes, from, length, count) -> words.add(bytes, from, length, count, symbolOfByte));
            return;
        }
        for (int[] merge : earlier) {
            if (merge[0] >= size || merge[1] >= size || size >= tokens.length || token(joined(merge[0], merge[1])) != merge[2]) {
                throw new IllegalArgumentException("the earlier merges are not of a training with these settings");
            }
            merges.add(merge.clone());
        }
        Tokenizer tokenizer = vocabulary(preTokenizer).tokenizer(new SpecialTokens("", "", List.of(), false));
        TokenBuffer buffer = new TokenBuffer();
        counts.forEach((bytes, from, length, count) -> {
            byte[] kept = new byte[length];
            int n = 0;
            for (int i = from; i < from + length; i++) {
                if (symbolOfByte[bytes[i] & 0xFF] >= 0) {
                    kept[n++] = bytes[i];
                }
            }
            buffer.clear();
            tokenizer.encodePiece(kept, 0, n, buffer);
            words.add(buffer.array(), buffer.size(), count);
        });
    }

    private byte[] joined(int left, int right) {
        byte[] bytes = Arrays.copyOf(tokens[left], tokens[left].length + tokens[right].length);
        System.arraycopy(tokens[right], 0, bytes, tokens[left].length, tokens[right].length);
        return bytes;
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

    /**
     * Counts all pairs of the words as they are and queues those that occur at least {@code threshold} times; at first that is a
     * fraction of the most frequent one. A rarer pair cannot become frequent, because a pair gets all its occurrences from the merge
     * that makes one of its halves: until the queue is empty nothing need be known of rare pairs, and they are nearly all.
     */
    private void scan() {
        pairs = new PairTable();
        queue = new MergeQueue();
        lists = new IntArena();
        long windows = words.windows();
        int parts = size <= 512 ? 1 : (int) (1 + windows / WINDOWS_AT_ONCE);
        if (threshold == 0) {
            long[] most = {0};
            for (int part = 0; part < parts; part++) {
                count(part, parts).forEach((pair, count) -> most[0] = Math.max(most[0], count));
            }
            threshold = Math.max(least(), most[0] / STEP);
        }
        for (int part = 0; part < parts; part++) {
            count(part, parts).forEach((pair, count) -> {
                if (count >= threshold) {
                    pairs.add(pair, count);
                }
            });
        }
        PairTable room = new PairTable();
        words.forEachWindow((left, right, word) -> {
            long pair = PairTable.pair(left, right);
            if (pairs.get(pair) > 0) {
                room.add(pair, 1);
            }
        });
        PairTable places = new PairTable();
        room.forEach((pair, most) -> places.add(pair, lists.allocate(Math.toIntExact(most) + 1) + 1));
        words.forEachWindow((left, right, word) -> {
            long place = places.get(PairTable.pair(left, right)) - 1;
            if (place >= 0) {
                // The block starts with how many words it holds already.
                int[] chunk = lists.chunk(place);
                int at = IntArena.index(place);
                if (chunk[at] == 0 || chunk[at + chunk[at]] != word) {
                    chunk[at + ++chunk[at]] = word;
                }
            }
        });
        room.forEach((pair, most) -> {
            long place = places.get(pair) - 1;
            int filled = lists.chunk(place)[IntArena.index(place)];
            lists.free(place, (int) (most + 1) - filled);
            queue.push(pairs.get(pair), pair, place + 1, filled);
        });
    }

    /** The counts of one part of the pairs: all at once would be the largest table of the training. */
    private PairTable count(int part, int parts) {
        PairTable table = new PairTable();
        words.forEachWindow((left, right, word) -> {
            long pair = PairTable.pair(left, right);
            if ((parts == 1 || Math.floorMod((left * 31 + right) * 0x9E3779B9 >> 8, parts) == part) && mayMerge(left, right)) {
                table.add(pair, words.count(word));
            }
        });
        return table;
    }

    private boolean mayMerge(int left, int right) {
        long length = (long) tokenLengths[left] + tokenLengths[right];
        return length == 2 || length < config.maxTokenLength();
    }

    private long least() {
        return Math.max(1, config.minFrequency());
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
            scan();
            while (size < config.vocabularySize()) {
                if (queue.isEmpty()) {
                    if (threshold <= least()) {
                        break;
                    }
                    threshold = Math.max(least(), threshold / (threshold > RARE ? STEP : SMALL_STEP));
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
                    int before = size;
                    mergeTop(workers, executor);
                    if (size == before) {
                        // The token was there already, so pairs with it may have become more frequent.
                        scan();
                    }
                    progress.merged(new State(size, config.vocabularySize(), live, merges));
                }
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
        int merged = token(joined(first, second));
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
        for (boolean fresh : new boolean[] {true, false}) {
            for (int w = 0; w < busy; w++) {
                MergeWorker worker = workers[w];
                for (int i = 0; i < worker.touchedSize; i++) {
                    int kind = worker.kind(worker.touched[i]);
                    int x = worker.symbol(worker.touched[i]);
                    if (fresh && kind >= MergeWorker.BEFORE_NEW) {
                        pairs.add(key(kind, x, first, second, merged), worker.deltas[kind][x]);
                    } else if (!fresh && kind < MergeWorker.BEFORE_NEW) {
                        pairs.addIfPresent(key(kind, x, first, second, merged), worker.deltas[kind][x]);
                    }
                }
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
        boolean follow = live >= threshold;
        if (!follow) {
            pairs.remove(key);
        }
        long address = follow ? lists.allocate(total) : -1;
        long at = address;
        for (int w = from; w < busy; w++) {
            if (workers[w].isTouched(kind, x)) {
                int here = workers[w].wordCounts[kind][x];
                workers[w].place(kind, x, at);
                at += follow ? here : 0;
            }
        }
        if (follow) {
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
