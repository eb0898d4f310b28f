package org.longhaul.tokenizer;

import java.util.Arrays;

/**
 * Merges by a heap of (rank, position), for vocabularies whose merges are not of the form of {@link MergeRules}: O(n log n) in the
 * length of the piece. It answers as Hugging Face does also where several merges make one token.
 */
final class RankEncoder implements PieceEncoder {
    private final BpeModel model;
    private final LongIntMap ranks;
    /** Whole tokens, when the model takes them without merging; else null. */
    private final TokenTrie whole;
    private int[] symbols = new int[64];
    private int[] next = new int[64];
    private int[] previous = new int[64];
    private long[] heap = new long[64];
    private int heapSize;

    RankEncoder(BpeModel model, LongIntMap ranks, TokenTrie whole) {
        this.model = model;
        this.ranks = ranks;
        this.whole = whole;
    }

    /** The merge table of a model: pair of ids to rank; of equal pairs the last counts, as in Hugging Face's map. */
    static LongIntMap ranks(BpeModel model) {
        LongIntMap ranks = new LongIntMap(model.left().length);
        for (int i = model.left().length - 1; i >= 0; i--) {
            ranks.putIfAbsent(LongIntMap.pair(model.left()[i], model.right()[i]), i);
        }
        return ranks;
    }

    /** The trie of whole tokens if the model ignores merges, else null. */
    static TokenTrie wholeTokens(BpeModel model) {
        if (!model.ignoreMerges()) {
            return null;
        }
        byte[][] tokens = model.tokens().clone();
        model.added().forEach(token -> tokens[token.id()] = null);
        return new TokenTrie(tokens);
    }

    @Override
    public void encode(byte[] text, int from, int to, TokenBuffer out) {
        if (whole != null) {
            int id = whole.exact(text, from, to);
            if (id >= 0) {
                out.add(id);
                return;
            }
        }
        int n = to - from;
        if (symbols.length < n) {
            int room = n + (n >> 1);
            symbols = new int[room];
            next = new int[room];
            previous = new int[room];
        }
        for (int i = 0; i < n; i++) {
            int id = model.byteIds()[text[from + i] & 0xFF];
            if (id < 0) {
                throw BacktrackingEncoder.missing(text, from + i);
            }
            symbols[i] = id;
            next[i] = i + 1 < n ? i + 1 : -1;
            previous[i] = i - 1;
        }
        heapSize = 0;
        for (int i = 0; i + 1 < n; i++) {
            offer(i);
        }
        merge();
        out.reserve(n);
        for (int i = 0; i >= 0; i = next[i]) {
            out.ids[out.size++] = symbols[i];
        }
    }

    private void merge() {
        while (heapSize > 0) {
            long top = pop();
            int at = (int) top;
            int after = symbols[at] < 0 ? -1 : next[at];
            if (after < 0) {
                continue;
            }
            int rank = ranks.get(LongIntMap.pair(symbols[at], symbols[after]));
            int merged = model.merged()[(int) (top >>> 32)];
            if (rank < 0 || model.merged()[rank] != merged) {
                continue;
            }
            symbols[at] = merged;
            symbols[after] = -1;
            next[at] = next[after];
            if (next[at] >= 0) {
                previous[next[at]] = at;
                offer(at);
            }
            if (previous[at] >= 0) {
                offer(previous[at]);
            }
        }
    }

    private void offer(int at) {
        int rank = ranks.get(LongIntMap.pair(symbols[at], symbols[next[at]]));
        if (rank < 0) {
            return;
        }
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, heapSize * 2);
        }
        long entry = LongIntMap.pair(rank, at);
        int hole = heapSize++;
        while (hole > 0 && heap[hole - 1 >> 1] > entry) {
            heap[hole] = heap[hole - 1 >> 1];
            hole = hole - 1 >> 1;
        }
        heap[hole] = entry;
    }

    private long pop() {
        long top = heap[0];
        long last = heap[--heapSize];
        int hole = 0;
        while (2 * hole + 1 < heapSize) {
            int child = 2 * hole + 1;
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = last;
        return top;
    }
}
