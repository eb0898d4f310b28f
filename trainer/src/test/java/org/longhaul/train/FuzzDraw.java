package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.longhaul.parallel.Mesh;
import org.longhaul.train.FuzzJob.Leg;
import org.longhaul.train.FuzzJob.Phase;
import org.longhaul.train.FuzzJob.Start;
import org.longhaul.train.FuzzJob.Stop;

/** Draws a {@link FuzzJob} from a seed: most of them can be, some cannot be laid over their mesh and must be refused. */
final class FuzzDraw {
    private final SplittableRandom random;
    private final Map<String, Integer> drawn;
    private final int sequences;
    private final int factor;
    private final int layers;
    private final int context;
    private final int every;
    private final boolean goesBack;

    private FuzzDraw(long seed, Map<String, Integer> drawn) {
        this.random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + 1);
        this.drawn = drawn;
        this.sequences = pick(2, 4, 6, 8, 12, 12, 16, 24);
        // What tensor-parallel ranks divide.
        this.factor = chance(0.04) ? 1 : pick(1, 2, 2, 4, 3, 6);
        this.layers = 1 + random.nextInt(7);
        this.context = chance(0.1) ? 1 + random.nextInt(3) : 4 + random.nextInt(20);
        this.goesBack = chance(0.12);
        this.every = goesBack ? 2 + random.nextInt(3) : chance(0.5) ? 1 + random.nextInt(4) : 0;
    }

    /** The job of a seed; what it has is counted in {@code drawn}. */
    static FuzzJob of(long seed, Map<String, Integer> drawn) {
        return new FuzzDraw(seed, drawn).job();
    }

    private FuzzJob job() {
        SortedMap<String, String> keys = new TreeMap<>();
        model(keys);
        keys.put("batch.sequences", "" + sequences);
        sometimes(0.4, keys, "data.document_mask", "true");
        sometimes(0.4, keys, "z_loss", pick("1e-4", "1e-2"));
        sometimes(0.5, keys, "optimizer.clip", pick("0.0", "0.05", "5.0"));
        sometimes(0.4, keys, "optimizer.weight_decay", pick("0.0", "0.5"));
        sometimes(0.3, keys, "optimizer.beta2", pick("0.9", "0.999"));
        sometimes(0.12, keys, "optimizer.moments", "bf16");
        sometimes(0.4, keys, "seed", "" + random.nextInt(1, 1000));
        sometimes(0.5, keys, "validation.every", "" + (1 + random.nextInt(4)));
        sometimes(0.3, keys, "validation.tokens", "" + (1 + random.nextInt(300)));
        sometimes(0.5, keys, "logging.mixture_every", "" + (1 + random.nextInt(4)));
        sometimes(0.3, keys, "checkpoint.save_initial", "true");
        if (every > 0) {
            keys.put("checkpoint.retention.permanent_every", "" + every);
        }
        String faults = "";
        long steps = goesBack ? 16 : 3 + random.nextInt(8);
        if (goesBack || chance(0.12)) {
            faults = faults(keys, steps);
        } else if (chance(0.15)) {
            keys.put("spikes.action", "watch");
            keys.put("logging.every", "" + (1 + random.nextInt(4)));
        }
        long tokens = chance(0.4) ? (long) context * (1 + random.nextInt(60)) + 1 + random.nextInt(context) : 5_000 + random.nextInt(20_000);
        return new FuzzJob(keys, tokens, faults, phases(steps));
    }

    private void model(SortedMap<String, String> keys) {
        int heads = factor * pick(1, 1, 2);
        int kv = factor * (heads > factor && chance(0.5) ? 1 : heads / factor);
        int width = pick(2, 4, 4, 6, 8, 16);
        keys.put("model.layers", "" + layers);
        keys.put("model.heads", "" + heads);
        keys.put("model.kv_heads", "" + kv);
        keys.put("model.d_model", "" + heads * width);
        keys.put("model.ffn", "" + factor * (1 + random.nextInt(16)));
        keys.put("model.vocab", "" + (90 + random.nextInt(60) + factor - 1) / factor * factor);
        keys.put("model.context", "" + context);
        sometimes(0.2, keys, "model.rope_theta", "100.0");
        sometimes(0.2, keys, "model.norm_eps", "1e-3");
    }

    /** Spikes behind the first half-window; of those steps the samples are known, as batches do not change before. */
    private String faults(SortedMap<String, String> keys, long steps) {
        keys.put("spikes.action", goesBack ? "rollback" : "skip");
        keys.put("spikes.window", "" + pick(8, 9, 12));
        int first = (int) Math.min(steps, 7 + random.nextInt(3));
        int many = goesBack ? 2 + random.nextInt(2) : 1 + random.nextInt(2);
        keys.put("spikes.max_skips", goesBack ? "" + (many - 1) : "3");
        // Beyond what floats hold, or merely large.
        String factor = pick("1000", "1000", "1e30");
        count("spike " + factor);
        return "spike=" + (long) first * sequences + ":" + (long) (first + many) * sequences + ":" + factor;
    }

    private List<Phase> phases(long steps) {
        List<Phase> phases = new ArrayList<>();
        SortedMap<String, String> keys = new TreeMap<>();
        keys.put("steps", "" + steps);
        keys.put("schedule", schedule(steps));
        long end = chance(0.3) && steps > 2 && !goesBack ? steps / 2 + random.nextInt((int) (steps / 2)) : steps;
        phases.add(new Phase(Start.SAME_OUTPUT, keys, 0, end, legs(0, end, sequences)));
        int stage = 0;
        for (int more = goesBack ? 0 : pick(0, 0, 1, 1, 2); more > 0; more--) {
            Start start = pick(Start.SAME_OUTPUT, Start.SAME_OUTPUT, Start.BRANCH, Start.WEIGHTS, Start.EXPORTED);
            boolean anew = start == Start.WEIGHTS || start == Start.EXPORTED;
            SortedMap<String, String> changed = new TreeMap<>();
            long begin = anew ? 0 : end;
            end = begin + 2 + random.nextInt(5);
            changed.put("steps", "" + Math.max(end, start == Start.SAME_OUTPUT && chance(0.5) ? steps : end));
            int data = phases.get(phases.size() - 1).data();
            if (chance(0.5) || anew) {
                stage++;
                data++;
                changed.put("data.stage", "" + stage);
                count("new data stage");
                // Only in a new stage: samples are counted in sequences of one length.
                sometimes(0.3, changed, "model.context", "" + (context + 1 + random.nextInt(9)));
            }
            if (start != Start.BRANCH) {
                sometimes(0.5, changed, "schedule", schedule(end));
            }
            int batch = sequences;
            if (chance(0.3)) {
                batch = sequences * 2;
                changed.put("batch.sequences", "" + batch);
                count("other batch in a later phase");
            }
            sometimes(0.2, changed, "optimizer.weight_decay", "0.2");
            count("phase " + start);
            phases.add(new Phase(start, changed, data, end, legs(begin, end, batch)));
        }
        count(phases.size() + " phases");
        return phases;
    }

    private String schedule(long steps) {
        String warmup = ", warmup_steps: " + random.nextInt((int) Math.max(2, steps));
        String kind = pick("constant", "cosine", "multi_step", "multi_step");
        count("schedule " + kind);
        String more = kind.equals("multi_step") ? ", first_drop: " + pick("0.3", "0.5", "0.8") + ", second_drop: 0.9" : "";
        return "{type: " + kind + ", peak: " + pick("1e-3", "3e-3") + warmup + more + "}";
    }

    private List<Leg> legs(long begin, long end, int batch) {
        List<Leg> legs = new ArrayList<>();
        int early = end - begin < 2 ? 0 : pick(0, 1, 1, 2, 3);
        for (int i = 0; i < early; i++) {
            Mesh mesh = mesh(batch);
            long step = begin + 1 + random.nextInt((int) (end - begin));
            if (goesBack) {
                // Where a run in one go has a checkpoint too.
                step = Math.max(every, step / every * every);
            }
            Stop stop = goesBack ? Stop.PAUSE : pick(Stop.PAUSE, Stop.PAUSE, Stop.SIGNAL, Stop.CRASH);
            int who = random.nextInt(mesh.size());
            // Ranks in the middle of a pipeline read nothing.
            int reader = mesh.rank(chance(0.5) ? 0 : mesh.pipeline() - 1, mesh.dataOf(who), mesh.tensorOf(who));
            long at = stop == Stop.PAUSE ? step : (long) random.nextInt((int) Math.max(1, (end - begin) * batch / mesh.data()));
            count("stop " + stop);
            legs.add(leg(mesh, batch, stop, at, reader));
        }
        legs.add(leg(mesh(batch), batch, Stop.END, 0, 0));
        count(legs.size() + " legs");
        return legs;
    }

    private Mesh mesh(int batch) {
        int tensor = chance(0.5) ? factor : pick(1, factor % 2 == 0 ? 2 : 1, factor % 3 == 0 ? 3 : 1);
        int pipeline = Math.min(pick(1, 1, 2, 2, 2, 3, 4, 5), layers);
        int virtual = pipeline > 1 && layers >= 2 * pipeline && chance(0.8) ? Math.min(layers / pipeline, pick(2, 2, 3)) : 1;
        int data = pick(1, 1, 2, 2, 3, 4);
        while (batch % data != 0 && !chance(0.05)) {
            data--;
        }
        while (tensor * pipeline * data > 12) {
            if (data > 1) {
                data = data % 2 == 0 ? data / 2 : 1;
            } else {
                pipeline--;
                virtual = 1;
            }
        }
        return new Mesh(pipeline, data, tensor, virtual);
    }

    private Leg leg(Mesh mesh, int batch, Stop stop, long at, int who) {
        SortedMap<String, String> keys = new TreeMap<>();
        int micro = pick(1, 1, 2, 3, 4);
        while (batch % (micro * mesh.data()) != 0 && micro > 1
                || mesh.virtualStages() > 1 && batch / (micro * mesh.data()) % mesh.pipeline() != 0 && micro > 1) {
            micro--;
        }
        if (mesh.virtualStages() > 1 && batch / (micro * mesh.data()) % mesh.pipeline() != 0 && !chance(0.05)) {
            mesh = new Mesh(mesh.pipeline(), mesh.data(), mesh.tensor(), 1);
        }
        if (context * micro % mesh.tensor() != 0 && !chance(0.1)) {
            int whole = micro;
            while (context * whole % mesh.tensor() != 0 || batch % (whole * mesh.data()) != 0) {
                if (++whole > batch) {
                    whole = micro;
                    mesh = new Mesh(mesh.pipeline(), mesh.data(), 1, mesh.virtualStages());
                    break;
                }
            }
            micro = whole;
            if (mesh.virtualStages() > 1 && batch / Math.max(1, micro * mesh.data()) % mesh.pipeline() != 0) {
                mesh = new Mesh(mesh.pipeline(), mesh.data(), mesh.tensor(), 1);
            }
        }
        sometimes(micro > 1 ? 1 : 0, keys, "batch.micro_batch", "" + micro);
        sometimes(0.5, keys, "memory.recompute", pick("selective", "full"));
        sometimes(0.4, keys, "memory.loss_chunk", "" + (1 + random.nextInt(2 * context * micro)));
        sometimes(0.3, keys, "ranks.tensor_chunks", "" + (1 + random.nextInt(5)));
        sometimes(0.2, keys, "ranks.overlap_reduce", "false");
        sometimes(0.2, keys, "ranks.overlap_gather", "false");
        sometimes(0.2, keys, "ranks.prefetch_receives", "false");
        sometimes(0.4, keys, "ranks.hash_every", "" + (1 + random.nextInt(3)));
        if (!goesBack && chance(0.5)) {
            keys.put("checkpoint.retention.ephemeral_steps", "" + (8 + random.nextInt(3)) / pick(1, 2, 4));
            keys.put("checkpoint.retention.ephemeral_every", pick("0s", "5m"));
            sometimes(0.5, keys, "checkpoint.retention.strict", "true");
            sometimes(0.5, keys, "checkpoint.retention.keep_ephemeral", "" + (1 + random.nextInt(2)));
            count("ephemeral checkpoints");
        }
        int who2 = Math.min(who, mesh.size() - 1);
        boolean sockets = mesh.size() > 1 && stop != Stop.CRASH && chance(0.15);
        count("layout pp" + mesh.pipeline());
        count("layout tp" + mesh.tensor());
        count("layout dp" + mesh.data());
        count("layout v" + mesh.virtualStages());
        count(layers % (mesh.pipeline() * mesh.virtualStages()) == 0 ? "even stages" : "uneven stages");
        count(sockets ? "over sockets" : "in memory");
        count(micro > 1 ? "micro-batches of several" : "micro-batches of one");
        return new Leg(mesh, keys, stop, at, who2, sockets);
    }

    private boolean chance(double share) {
        return random.nextDouble() < share;
    }

    private void sometimes(double share, SortedMap<String, String> keys, String key, String value) {
        if (chance(share)) {
            keys.put(key, value);
            count(key.matches("data.document_mask|spikes.action|optimizer.moments|memory.recompute|checkpoint.*|model.context") ? key + "=" + value : key);
        }
    }

    @SafeVarargs
    private <T> T pick(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private void count(String what) {
        drawn.merge(what, 1, Integer::sum);
    }
}
