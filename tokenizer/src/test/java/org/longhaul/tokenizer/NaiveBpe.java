package org.longhaul.tokenizer;

import java.util.ArrayList;
import java.util.List;

/** Merging as one would state it: again and again the leftmost pair of the lowest rank. */
final class NaiveBpe {
    private final BpeModel model;
    private final LongIntMap ranks;

    NaiveBpe(BpeModel model) {
        this.model = model;
        ranks = RankEncoder.ranks(model);
    }

    List<Integer> encode(byte[] text) {
        List<Integer> ids = new ArrayList<>();
        for (int at = 0; at < text.length; ) {
            int end = model.preTokenizer().splitter().next(text, at, text.length);
            ids.addAll(piece(text, at, end));
            at = end;
        }
        return ids;
    }

    List<Integer> piece(byte[] text, int from, int to) {
        List<Integer> ids = new ArrayList<>();
        for (int i = from; i < to; i++) {
            ids.add(model.byteIds()[text[i] & 0xFF]);
        }
        while (true) {
            int best = Integer.MAX_VALUE;
            int at = -1;
            for (int i = 0; i + 1 < ids.size(); i++) {
                int rank = ranks.get(LongIntMap.pair(ids.get(i), ids.get(i + 1)));
                if (rank >= 0 && rank < best) {
                    best = rank;
                    at = i;
                }
            }
            if (at < 0) {
                return ids;
            }
            ids.set(at, model.merged()[best]);
            ids.remove(at + 1);
        }
    }
}
