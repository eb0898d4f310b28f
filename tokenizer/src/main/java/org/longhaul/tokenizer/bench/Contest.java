package org.longhaul.tokenizer.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Times encoders on one workload, with several numbers of threads, beside plain arithmetic. All take turns, so that a change in what else
 * the machine does meets all of them, and speeds are compared within a turn.
 */
final class Contest {
    private static final int TURNS = 5;

    /**
     * One that takes part.
     *
     * @param work makes the work for a number of threads
     */
    record Contestant(String name, IntFunction<Stopwatch.Work> work) {}

    private final List<Integer> threads;
    private final double seconds;

    /**
     * @param threads numbers of threads to time, compared with the first
     * @param seconds processor time measured for each; as much warms up
     */
    Contest(List<Integer> threads, double seconds) {
        this.threads = threads;
        this.seconds = seconds;
    }

    /** The rounds of a contestant with a number of threads, by turn. */
    private record Result(String name, int threads, List<List<Stopwatch.Round>> turns) {
        List<Stopwatch.Round> rounds() {
            return turns.stream().flatMap(List::stream).toList();
        }

        double wall(int turn) {
            return Stopwatch.median(turns.get(turn), Stopwatch.Round::wall);
        }
    }

    /** Runs and returns a line for each number of threads. */
    List<String> run(Workload workload, List<Contestant> contestants) {
        List<Contestant> all = new ArrayList<>(contestants);
        if (threads.size() > 1) {
            Arithmetic arithmetic = new Arithmetic();
            all.add(new Contestant("arithmetic", n -> arithmetic));
        }
        List<Stopwatch> watches = threads.stream().map(Stopwatch::new).toList();
        List<List<Result>> results = new ArrayList<>();
        try {
            List<List<Stopwatch.Work>> works = new ArrayList<>();
            for (int i = 0; i < watches.size(); i++) {
                int n = threads.get(i);
                works.add(all.stream().map(one -> one.work.apply(n)).toList());
                results.add(all.stream().map(one -> new Result(one.name, n, new ArrayList<>())).toList());
                for (Stopwatch.Work work : works.get(i)) {
                    watches.get(i).measure(work, seconds);
                }
            }
            for (int turn = 0; turn < TURNS; turn++) {
                for (int one = 0; one < all.size(); one++) {
                    for (int i = 0; i < watches.size(); i++) {
                        results.get(i).get(one).turns.add(watches.get(i).measure(works.get(i).get(one), seconds / TURNS));
                    }
                }
            }
        } finally {
            watches.forEach(Stopwatch::close);
        }
        return results.stream().map(row -> line(workload, contestants.size(), row, results.get(0))).toList();
    }

    private static String line(Workload workload, int contestants, List<Result> row, List<Result> first) {
        double mb = workload.size() / 1e6;
        Result ours = row.get(0);
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-26s %d thread%s", workload.name(), ours.threads, ours.threads == 1 ? " " : "s"));
        for (int one = 0; one < contestants; one++) {
            List<Stopwatch.Round> rounds = row.get(one).rounds();
            line.append(String.format(Locale.ROOT, "%s %s %.1f MB/s (best %.1f, per CPU second %.1f)", one == 0 ? "" : " |", row.get(one).name,
                    mb / Stopwatch.median(rounds, Stopwatch.Round::wall), mb / Stopwatch.best(rounds, Stopwatch.Round::wall),
                    mb / Stopwatch.median(rounds, Stopwatch.Round::cpu)));
        }
        for (int one = 1; one < contestants; one++) {
            List<Stopwatch.Round> theirs = row.get(one).rounds();
            line.append(String.format(Locale.ROOT, " | ratio %.1f wall, %.1f CPU",
                    Stopwatch.median(theirs, Stopwatch.Round::wall) / Stopwatch.median(ours.rounds(), Stopwatch.Round::wall),
                    Stopwatch.median(theirs, Stopwatch.Round::cpu) / Stopwatch.median(ours.rounds(), Stopwatch.Round::cpu)));
        }
        if (row != first) {
            line.append(String.format(Locale.ROOT, " | %s of %d thread%s; arithmetic %s", scaling(ours, first.get(0)), first.get(0).threads,
                    first.get(0).threads == 1 ? "" : "s", scaling(row.get(contestants), first.get(contestants))));
        }
        return line.toString();
    }

    /** The ratio of two speeds: the median of the turns, the lowest and the highest. */
    private static String scaling(Result more, Result fewer) {
        double[] ratios = IntStream.range(0, TURNS).mapToDouble(turn -> fewer.wall(turn) / more.wall(turn)).sorted().toArray();
        return String.format(Locale.ROOT, "%.2f x (%.2f to %.2f)", Stopwatch.median(ratios), ratios[0], ratios[TURNS - 1]);
    }
}
