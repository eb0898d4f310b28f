package org.longhaul.natives;

import com.sun.jna.Memory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.longhaul.error.UserError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses an algorithm for a shape: from disk, else by a race of the library's proposals and their variants on random operands. */
final class GemmTuner {
    private static final Logger LOG = LoggerFactory.getLogger(GemmTuner.class);
    /** To be raised whenever the race changes, so that no choice of an earlier one is taken for its own. */
    private static final int METHOD = 4;
    /** Proposals asked of the library; it orders them by its own estimate. */
    private static final int PROPOSALS = 32;

    private static final long COOLS_NANOS = 1_000_000_000;
    /** Device time of all races of a start; what comes after it is raced briefly, and properly by a later start. */
    private static final double ENOUGH_MS = 30_000;

    private final CudaDevice device;
    private final long handle;
    private final DeviceMemory workspace;
    private final boolean deterministic;
    private final boolean timing;
    private final GemmChoices choices;
    private double spent;
    private long lastRace;
    private int raced;
    private boolean cutShort;
    private boolean shared;

    GemmTuner(CudaDevice device, long handle, DeviceMemory workspace, boolean deterministic, Path cache, boolean timing) {
        this.device = device;
        this.handle = handle;
        this.workspace = workspace;
        this.deterministic = deterministic;
        this.timing = timing;
        this.choices = new GemmChoices(cache, device, workspace.bytes(), METHOD);
    }

    GemmPlan plan(CudaStream stream, GemmShape shape, long scaleA, long scaleB) {
        GemmPlan plan = new GemmPlan(shape);
        if (shape.scaled()) {
            plan.scales(scaleA, scaleB);
        }
        Optional<GemmChoices.Choice> known = deterministic ? Optional.empty() : choices.recall(shape);
        if (known.isPresent() && plan.accepts(handle, known.get().algorithm(), workspace.bytes())) {
            plan.choose(known.get().algorithm(), known.get().remark() + ", from an earlier run");
            return plan;
        }
        List<byte[]> proposals = proposals(plan, handle, workspace, deterministic, PROPOSALS);
        if (proposals.isEmpty()) {
            throw plan.refused(CublasLtApi.NOT_SUPPORTED, ", no algorithm proposed");
        }
        if (deterministic || !timing) {
            plan.chooseFirst(proposals, "first proposal");
            return plan;
        }
        race(plan, stream, proposals);
        return plan;
    }

    /** The algorithms the library proposes, in its order, without those it says cannot run. */
    static List<byte[]> proposals(GemmPlan plan, long handle, DeviceMemory workspace, boolean deterministic, int most) {
        List<byte[]> found = new ArrayList<>();
        try (Memory into = new Memory((long) most * CublasLtApi.HEURISTIC_BYTES)) {
            int count = plan.propose(handle, workspace.bytes(), deterministic, into, most);
            for (int i = 0; i < count; i++) {
                long offset = (long) i * CublasLtApi.HEURISTIC_BYTES;
                if (into.getInt(offset + CublasLtApi.HEURISTIC_STATE) == 0) {
                    found.add(into.getByteArray(offset, CublasLtApi.ALGO_BYTES));
                }
            }
        }
        return found;
    }

    // Without room for the operands of a race the first proposal is taken.
    private void race(GemmPlan plan, CudaStream stream, List<byte[]> proposals) {
        GemmShape shape = plan.shape();
        DeviceMemory scratch;
        try {
            scratch = device.allocate(GemmRace.scratchBytes(shape));
        } catch (UserError e) {
            LOG.info("no room to time matrix products of {}; taking the library's first proposal", shape.key());
            plan.chooseFirst(proposals, "first proposal, no room to measure");
            return;
        }
        boolean hot = raced > 0 && System.nanoTime() - lastRace < COOLS_NANOS;
        try (scratch; GemmRace race = new GemmRace(
                device, stream, handle, plan, workspace, scratch, hot ? GemmRace.WARM_UP_MS : GemmRace.COLD_WARM_UP_MS)) {
            if (raced++ == 0) {
                LOG.info("timing matrix products: about {} s for each new shape, once; choices are kept in {}",
                        Math.round(GemmRace.BUDGET_MS / 1000), choices.folder());
            }
            boolean brief = spent > ENOUGH_MS;
            if (brief && !cutShort) {
                cutShort = true;
                LOG.info("timing matrix products has taken {} s; further shapes are timed briefly now, and again by the next start",
                        Math.round(spent / 1000));
            }
            GemmRace.Winner winner = race.run(proposals, brief);
            spent += winner.spentMs();
            // Races too small to heat the GPU leave it as it was.
            lastRace = winner.spentMs() > GemmRace.WARM_UP_MS ? System.nanoTime() : lastRace;
            String remark = String.format(
                    Locale.ROOT, "%.0f TFLOP/s, %s (the first: %.0f)", shape.flops() / winner.ms() / 1e9, winner.what(),
                    shape.flops() / winner.firstMs() / 1e9);
            plan.choose(winner.algorithm(), remark);
            if (winner.disturbed() && !shared) {
                shared = true;
                LOG.info("something else computes on this GPU: times of matrix products that it disturbs are not kept, and taken again by the next start");
            }
            if (!brief && !winner.disturbed()) {
                choices.keep(shape, new GemmChoices.Choice(winner.algorithm(), remark));
            }
            LOG.debug("{}: {}; {} shapes took {} s so far", shape.key(), remark, raced, String.format(Locale.ROOT, "%.1f", spent / 1000));
        }
    }
}
