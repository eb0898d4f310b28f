package org.longhaul.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.longhaul.config.ConfigLoader;
import org.longhaul.parallel.Mesh;

/**
 * A training job as the fuzz test draws it: what all its phases share, and phases that are trained one after the other, each in legs that end
 * early one way or another and go on under another layout.
 *
 * @param keys configuration keys of every leg, as overrides
 * @param tokens length of the training stream; small ones make several epochs
 * @param faults planted in every leg; empty for none
 */
record FuzzJob(SortedMap<String, String> keys, long tokens, String faults, List<Phase> phases) {
    /** How a phase begins. */
    enum Start {
        /** In its own output, from nothing or from what the phase before left there. */
        SAME_OUTPUT,
        /** In an output of its own, with checkpoint.branch_from. */
        BRANCH,
        /** The same with checkpoint.init_from. */
        WEIGHTS,
        /** The same after an export to a Hugging Face folder and an import of it. */
        EXPORTED
    }

    /** How a leg ends. */
    enum Stop {
        /** At the end of its phase. */
        END,
        /** By stop_after. */
        PAUSE,
        /** By a signal to one rank. */
        SIGNAL,
        /** By a rank that throws. */
        CRASH
    }

    /** {@code data} tells data sets apart; {@code end} is the step that the last leg reaches. */
    record Phase(Start start, SortedMap<String, String> keys, int data, long end, List<Leg> legs) {
        Phase {
            keys = new TreeMap<>(keys);
            legs = List.copyOf(legs);
        }

        Phase with(SortedMap<String, String> other) {
            return new Phase(start, other, data, end, legs);
        }

        Phase with(List<Leg> other) {
            return new Phase(start, keys, data, end, other);
        }

        @Override
        public String toString() {
            StringBuilder out = new StringBuilder("phase to step " + end + ", " + start + ", data " + data + " " + keys);
            legs.forEach(l -> out.append("\n    ").append(l));
            return out.toString();
        }
    }

    /** {@code at} is the step of a PAUSE, the samples read by rank {@code who} before a SIGNAL or CRASH. */
    record Leg(Mesh mesh, SortedMap<String, String> keys, Stop stop, long at, int who, boolean sockets) {
        Leg {
            keys = new TreeMap<>(keys);
        }

        Leg with(SortedMap<String, String> other) {
            return new Leg(mesh, other, stop, at, who, sockets);
        }

        Leg with(Mesh other) {
            return new Leg(other, keys, stop, at, who, sockets);
        }

        @Override
        public String toString() {
            return LayoutName.of(mesh) + (sockets ? " over sockets " : " ") + keys + " " + stop
                    + (stop == Stop.END ? "" : stop == Stop.PAUSE ? " at step " + at : " of rank " + who + " at its sample " + at);
        }
    }

    FuzzJob {
        keys = new TreeMap<>(keys);
        phases = List.copyOf(phases);
    }

    /** The same work by one rank, each phase in one go, in micro-batches of its own. */
    FuzzJob alone() {
        int sequences = Integer.parseInt(keys.getOrDefault("batch.sequences", "12"));
        SortedMap<String, String> micro = new TreeMap<>(Map.of("batch.micro_batch", sequences % 4 == 0 ? "4" : sequences % 2 == 0 ? "2" : "1"));
        List<Phase> whole = phases.stream().map(p -> new Phase(
                p.start == Start.EXPORTED ? Start.WEIGHTS : p.start, p.keys, p.data, p.end,
                List.of(new Leg(Mesh.single(), micro, Stop.END, 0, 0, false)))).toList();
        return new FuzzJob(keys, tokens, faults, whole);
    }

    /** A leg's configuration. Throws UserError as the command would. */
    TrainConfig config(int phase, Leg leg, Path output, Map<String, String> more) {
        SortedMap<String, String> all = new TreeMap<>(keys);
        for (int p = 0; p <= phase; p++) {
            all.putAll(phases.get(p).keys);
        }
        all.putAll(leg.keys);
        all.putAll(more);
        Mesh m = leg.mesh;
        all.put("mesh", "{pipeline: " + m.pipeline() + ", data: " + m.data() + ", tensor: " + m.tensor() + ", virtual_stages: " + m.virtualStages() + "}");
        List<String> overrides = new ArrayList<>();
        all.forEach((key, value) -> overrides.add(key + "=" + value));
        String yaml = """
                output: %s
                model: {layers: 1, d_model: 8, heads: 2, kv_heads: 2, ffn: 12, vocab: 96, context: 12, init_std: 0.05}
                data: {path: none}
                batch: {sequences: 12}
                steps: 6
                schedule: {type: constant, peak: 3e-3}
                optimizer: {epsilon: 1e-4}
                device: {threads: 1}
                logging: {tensorboard: false, plain_every: 1h}
                ranks: {stall_timeout: 60s}
                """.formatted(output);
        return ConfigLoader.parse(yaml, "drawn", overrides, TrainConfig.class);
    }

    /** Whether it goes back to checkpoints and forgets steps. */
    boolean rollsBack() {
        return keys.getOrDefault("spikes.action", "").equals("rollback") && !faults.isEmpty();
    }

    boolean crashes() {
        return phases.stream().flatMap(p -> p.legs.stream()).anyMatch(l -> l.stop == Stop.CRASH);
    }

    /** Jobs with one thing less each. */
    List<FuzzJob> simpler() {
        List<FuzzJob> less = new ArrayList<>();
        if (phases.size() > 1) {
            less.add(new FuzzJob(keys, tokens, faults, phases.subList(0, phases.size() - 1)));
        }
        if (!faults.isEmpty()) {
            less.add(new FuzzJob(keys, tokens, "", phases));
        }
        for (int p = 0; p < phases.size(); p++) {
            Phase phase = phases.get(p);
            int at = p;
            for (int l = 0; l < phase.legs.size(); l++) {
                Leg leg = phase.legs.get(l);
                int here = l;
                if (leg.stop != Stop.END) {
                    List<Leg> fewer = new ArrayList<>(phase.legs);
                    fewer.remove(here);
                    less.add(replaced(at, phase.with(fewer)));
                }
                for (Leg other : simpler(leg)) {
                    List<Leg> changed = new ArrayList<>(phase.legs);
                    changed.set(here, other);
                    less.add(replaced(at, phase.with(changed)));
                }
            }
            without(phase.keys).forEach(k -> less.add(replaced(at, phase.with(k))));
        }
        without(keys).forEach(k -> less.add(new FuzzJob(k, tokens, faults, phases)));
        if (tokens < 20_000) {
            less.add(new FuzzJob(keys, 20_000, faults, phases));
        }
        return less;
    }

    private FuzzJob replaced(int at, Phase phase) {
        List<Phase> all = new ArrayList<>(phases);
        all.set(at, phase);
        return new FuzzJob(keys, tokens, faults, all);
    }

    private static List<Leg> simpler(Leg leg) {
        List<Leg> less = new ArrayList<>();
        Mesh m = leg.mesh;
        if (m.virtualStages() > 1) {
            less.add(leg.with(new Mesh(m.pipeline(), m.data(), m.tensor(), 1)));
        }
        if (m.pipeline() > 1) {
            less.add(leg.with(new Mesh(1, m.data(), m.tensor(), 1)));
        }
        if (m.data() > 1) {
            less.add(leg.with(new Mesh(m.pipeline(), 1, m.tensor(), m.virtualStages())));
        }
        if (m.tensor() > 1) {
            less.add(leg.with(new Mesh(m.pipeline(), m.data(), 1, m.virtualStages())));
        }
        if (leg.sockets) {
            less.add(new Leg(m, leg.keys, leg.stop, leg.at, leg.who, false));
        }
        if (leg.stop == Stop.SIGNAL || leg.stop == Stop.CRASH) {
            less.add(new Leg(m, leg.keys, Stop.PAUSE, 2, 0, leg.sockets));
        }
        without(leg.keys).forEach(k -> less.add(leg.with(k)));
        return less;
    }

    private static List<SortedMap<String, String>> without(SortedMap<String, String> keys) {
        List<SortedMap<String, String>> less = new ArrayList<>();
        for (String key : keys.keySet()) {
            SortedMap<String, String> fewer = new TreeMap<>(keys);
            fewer.remove(key);
            less.add(fewer);
        }
        return less;
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder(keys + ", " + tokens + " tokens" + (faults.isEmpty() ? "" : ", " + faults));
        phases.forEach(p -> out.append("\n  ").append(p));
        return out.toString();
    }
}
