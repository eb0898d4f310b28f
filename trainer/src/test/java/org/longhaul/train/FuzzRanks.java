package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.checkpoint.RankGroup;

/** Ranks of one process that save together; when one is gone, nobody waits for it. */
final class FuzzRanks {
    private final int size;
    private int arrived;
    private int round;
    private boolean all = true;
    private boolean answer;
    private boolean gone;
    private volatile String word;

    private FuzzRanks(int size) {
        this.size = size;
    }

    static List<RankGroup> of(int size, List<Runnable> ends) {
        FuzzRanks ranks = new FuzzRanks(size);
        ends.add(ranks::abort);
        List<RankGroup> groups = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            groups.add(ranks.group(r));
        }
        return groups;
    }

    private synchronized void abort() {
        gone = true;
        notifyAll();
    }

    private synchronized boolean ask(boolean mine) {
        all &= mine;
        int here = round;
        if (++arrived == size) {
            answer = all;
            all = true;
            arrived = 0;
            round++;
            notifyAll();
            return answer;
        }
        while (round == here) {
            if (gone) {
                throw new IllegalStateException("a rank is gone");
            }
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
        return answer;
    }

    private RankGroup group(int rank) {
        return new RankGroup() {
            @Override
            public int rank() {
                return rank;
            }

            @Override
            public int size() {
                return size;
            }

            @Override
            public boolean all(boolean mine) {
                return ask(mine);
            }

            @Override
            public String first(String mine) {
                if (rank == 0) {
                    word = mine;
                }
                ask(true);
                String said = word;
                ask(true);
                return said;
            }
        };
    }
}
