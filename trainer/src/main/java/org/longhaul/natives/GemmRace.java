package org.longhaul.natives;

import com.sun.jna.Memory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.longhaul.tensor.Arena;

/**
 * Finds the fastest of many algorithms for one shape on random operands. All run in turn, round after round, on a hot GPU, so that its
 * clock treats them alike. The best few, variants of the best among them, then run in bursts long enough for the clock to settle at what
 * the power limit leaves each of them, because in training that is what counts; the shortest mean decides. What gives other values than
 * the first that ran is out.
 */
final class GemmRace implements AutoCloseable {
    /** Device time of one race, about: fewer candidates and rounds where a product takes long. */
    static final double BUDGET_MS = 1500;

    /** What brings an idle GPU to its power limit, and what keeps it there between races. */
    static final double COLD_WARM_UP_MS = 1500;
    static final double WARM_UP_MS = 50;

    private static final int HEAT_ROUNDS = 3;
    private static final int FINALISTS = 5;
    private static final double BURST_MS = 80;
    /** The part of a burst in which the clock settles, not timed. */
    private static final double SETTLING = 0.3;
    private static final int MOST_BURST = 2000;
    private static final int PARENTS = 3;
    private static final int VARIANTS = 48;
    /** The second is made of the best of the first. */
    private static final int GENERATIONS = 2;
    /** A variant this much slower than the best, run once, is not timed further. */
    private static final double HOPELESS = 1.3;
    /** What is farther than this from the best when all run at the same clock is not made up for by a clock that settles higher. */
    private static final double CLOSE = 1.06;
    private static final int LEAST_CANDIDATES = 8;
    /** Products below this take microseconds: their choice does not matter, the first heat decides. */
    private static final double SMALL_FLOPS = 1e8;
    /** Launches between two events together take at least this, so that the events' own time does not count. */
    private static final double LEAST_MS = 0.1;
    private static final int MOST_LAUNCHES = 16;
    /** What the same burst takes the second time, forth or back: more than a clock moves it. Something else computes on this GPU. */
    private static final double DISTURBED = 1.25;
    /** Another algorithm must beat the library's own first by this factor; smaller differences are noise. */
    private static final double MARGIN = 0.99;

    private final CudaDevice device;
    private final CudaStream stream;
    private final long handle;
    private final GemmPlan plan;
    private final GemmShape shape;
    private final DeviceMemory workspace;
    private final DeviceMemory scratch;
    private final long b;
    private final long c;
    private final long d;
    private final GemmSample sample;
    private final Memory scalars = new Memory(16);
    private final double warmUpMs;
    private final List<Runner> all = new ArrayList<>();
    private double spent;
    private int refusal;
    private int refused;
    private boolean disturbed;

    /**
     * The fastest, its time and that of the library's first proposal in milliseconds, and what the race took.
     *
     * @param disturbed whether times of the same differ so much that another race may find another winner
     */
    record Winner(byte[] algorithm, String what, double ms, double firstMs, double spentMs, boolean disturbed) {}

    private final class Runner implements AutoCloseable {
        final byte[] bytes;
        final Memory algorithm = new Memory(CublasLtApi.ALGO_BYTES);
        final String what;
        final CudaEvent start = device.event();
        final CudaEvent end = device.event();
        final List<Double> times = new ArrayList<>();

        Runner(byte[] bytes, String what) {
            this.bytes = bytes;
            this.what = what;
            algorithm.write(0, bytes, 0, bytes.length);
            all.add(this);
        }

        int launch() {
            return plan.tryRun(handle, stream, scalars, scratch.address(), b, c, d, workspace, algorithm);
        }

        /** The median; of two, their mean. */
        double typical() {
            double[] t = times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
            return (t[(t.length - 1) / 2] + t[t.length / 2]) / 2;
        }

        @Override
        public void close() {
            start.close();
            end.close();
            algorithm.close();
        }
    }

    /** Bytes of the operands, addend and result of a race. */
    static long scratchBytes(GemmShape shape) {
        long result = Arena.align(shape.m() * shape.n() * shape.c().bytes());
        return Arena.align(shape.m() * shape.k() * shape.a().bytes()) + Arena.align(shape.n() * shape.k() * shape.b().bytes())
                + (shape.addend() == GemmShape.Addend.OTHER ? 2 : 1) * result;
    }

    // The real operands may still be zeros, on which products run faster than on data, and the real result may hold sums.
    GemmRace(
            CudaDevice device, CudaStream stream, long handle, GemmPlan plan, DeviceMemory workspace, DeviceMemory scratch, double warmUpMs) {
        this.device = device;
        this.stream = stream;
        this.handle = handle;
        this.plan = plan;
        this.shape = plan.shape();
        this.workspace = workspace;
        this.scratch = scratch;
        this.warmUpMs = warmUpMs;
        long bytesA = shape.m() * shape.k() * shape.a().bytes();
        long bytesB = shape.n() * shape.k() * shape.b().bytes();
        long bytesD = shape.m() * shape.n() * shape.c().bytes();
        b = scratch.address() + Arena.align(bytesA);
        d = b + Arena.align(bytesB);
        c = shape.addend() == GemmShape.Addend.OTHER ? d + Arena.align(bytesD) : d;
        RandomOperand.fill(stream, scratch.address(), bytesA, shape.a());
        RandomOperand.fill(stream, b, bytesB, shape.b());
        if (c != d) {
            RandomOperand.fill(stream, c, bytesD, shape.c());
        }
        sample = new GemmSample(stream, d, bytesD, shape.c());
        scalars.setFloat(0, 1);
        scalars.setFloat(8, shape.addend() == GemmShape.Addend.NONE ? 0 : 1);
    }

    /** @param brief whether rounds of the proposals must do: no variants, no bursts */
    Winner run(List<byte[]> proposals, boolean brief) {
        List<Runner> field = new ArrayList<>();
        double unit = 0;
        for (int i = 0; i < proposals.size() && field.size() < candidates(unit, BUDGET_MS / 2, proposals.size()); i++) {
            Runner runner = new Runner(proposals.get(i), "proposal " + (i + 1) + " of " + proposals.size());
            if (tried(runner)) {
                field.add(runner);
                unit = unit == 0 ? warmUp(runner) : unit;
            }
        }
        if (field.isEmpty()) {
            throw plan.refused(refusal, ", as all " + refused + " proposals" + LibraryWords.of(() -> all.get(0).launch()));
        }
        int launches = (int) Math.max(1, Math.min(MOST_LAUNCHES, Math.ceil(LEAST_MS / unit)));
        Runner first = field.get(0);
        rounds(field, HEAT_ROUNDS, launches);
        if (!brief && shape.flops() >= SMALL_FLOPS) {
            mutate(field, proposals, unit, launches);
            finals(field, first, unit);
        }
        Runner best = field.stream().min(Comparator.comparingDouble(Runner::typical)).orElseThrow();
        if (best.typical() > MARGIN * first.typical()) {
            best = first;
        }
        return new Winner(best.bytes, best.what, best.typical(), first.typical(), spent, disturbed);
    }

    // Variants of the best so far, timed like the others.
    private void mutate(List<Runner> field, List<byte[]> proposals, double unit, int launches) {
        GemmVariants variants = new GemmVariants(plan, handle, workspace.bytes(), proposals);
        int room = candidates(unit, BUDGET_MS / 3, VARIANTS) / GENERATIONS;
        for (int generation = 0; generation < GENERATIONS; generation++) {
            List<Runner> ranked = ranked(field);
            List<Runner> parents = ranked.subList(0, Math.min(PARENTS, ranked.size()));
            double bound = HOPELESS * ranked.get(0).typical() + LEAST_MS / 4;
            List<Runner> mutants = new ArrayList<>();
            for (GemmVariants.Variant v : variants.of(parents.stream().map(r -> r.bytes).toList(), room)) {
                Runner runner = new Runner(v.algorithm(), parents.get(v.parent()).what + " with " + v.change());
                if (tried(runner) && once(runner) <= bound) {
                    mutants.add(runner);
                }
            }
            rounds(mutants, HEAT_ROUNDS, launches);
            field.addAll(mutants);
        }
    }

    // Only the finalists' bursts count, so that all that are compared ran alike.
    private void finals(List<Runner> field, Runner first, double unit) {
        List<Runner> ranked = ranked(field);
        double bound = CLOSE * ranked.get(0).typical();
        List<Runner> finalists = new ArrayList<>(ranked.stream().filter(r -> r.typical() <= bound).limit(FINALISTS).toList());
        if (!finalists.contains(first)) {
            finalists.add(first);
        }
        finalists.forEach(r -> r.times.clear());
        if (finalists.size() > 1) {
            int burst = (int) Math.max(2, Math.min(MOST_BURST, Math.ceil(BURST_MS / unit)));
            bursts(finalists, burst);
            // Back in the other order, so that what the clock does meanwhile does not favour a place.
            Collections.reverse(finalists);
            bursts(finalists, burst);
            disturbed = finalists.stream().anyMatch(r -> disturbed(r.times));
        } else {
            rounds(finalists, 1, 1);
        }
        field.retainAll(finalists);
    }

    /** Whether bursts of one algorithm took so different times that it did not have the GPU for itself. */
    static boolean disturbed(List<Double> bursts) {
        return Collections.max(bursts) > DISTURBED * Collections.min(bursts);
    }

    private void bursts(List<Runner> field, int launches) {
        int settling = (int) Math.max(1, SETTLING * launches);
        for (Runner runner : field) {
            for (int i = 0; i < launches; i++) {
                if (i == settling) {
                    runner.start.record(stream);
                }
                runner.launch();
            }
            runner.end.record(stream);
        }
        read(field, launches - settling);
    }

    private static List<Runner> ranked(List<Runner> field) {
        return field.stream().sorted(Comparator.comparingDouble(Runner::typical)).toList();
    }

    private static int candidates(double unit, double budget, int most) {
        return unit == 0 ? most : (int) Math.min(most, Math.max(LEAST_CANDIDATES, budget / (unit * (1 + HEAT_ROUNDS))));
    }

    /** Whether it runs and gives what the first that ran gave; after this its kernel is loaded. */
    private boolean tried(Runner runner) {
        sample.prepare(shape.addend() == GemmShape.Addend.RESULT);
        int status = runner.launch();
        if (status != 0) {
            refusal = status;
            refused++;
            return false;
        }
        return sample.agrees();
    }

    private double once(Runner runner) {
        runner.start.record(stream);
        runner.launch();
        runner.end.record(stream);
        runner.end.await();
        double took = runner.end.millisecondsSince(runner.start);
        spent += took;
        return took;
    }

    /** Milliseconds of one product on the warm GPU. */
    private double warmUp(Runner runner) {
        int times = 1;
        double total = 0;
        double unit = 0;
        double enough = shape.flops() < SMALL_FLOPS ? 0 : warmUpMs;
        while (total < enough || unit == 0) {
            runner.start.record(stream);
            for (int i = 0; i < times; i++) {
                runner.launch();
            }
            runner.end.record(stream);
            runner.end.await();
            double took = Math.max(1e-3, runner.end.millisecondsSince(runner.start));
            unit = took / times;
            total += took;
            times = (int) Math.max(1, Math.min(MOST_BURST, (enough - total) / unit));
        }
        spent += total;
        return unit;
    }

    private void rounds(List<Runner> field, int rounds, int launches) {
        for (int r = 0; r < rounds && !field.isEmpty(); r++) {
            for (Runner runner : field) {
                runner.start.record(stream);
                for (int i = 0; i < launches; i++) {
                    runner.launch();
                }
                runner.end.record(stream);
            }
            read(field, launches);
        }
    }

    private void read(List<Runner> field, int launches) {
        for (Runner runner : field) {
            runner.end.await();
            double took = runner.end.millisecondsSince(runner.start);
            spent += took;
            runner.times.add(took / launches);
        }
    }

    @Override
    public void close() {
        stream.synchronize();
        all.forEach(Runner::close);
        sample.close();
        scalars.close();
    }
}
