package org.longhaul.cuda;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.longhaul.error.UserError;
import org.longhaul.parallel.RankList;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.parallel.Verdict;

/**
 * How the ranks of a group come together before any of them joins NCCL, which waits without end for one that never comes. Member 0 looks for all
 * others and says for all of them how it went: were every rank to look for every other, a thousand ranks would ask the store a million times.
 */
final class NcclMeeting {
    private static final byte ID = 0;
    private static final byte MISSING = 1;
    private static final byte SAME_GPU = 2;
    /** How long member 0's word may take behind its own time-out. */
    private static final Duration WORD = Duration.ofSeconds(30);

    private final Rendezvous.Client store;
    private final Duration joining;
    private final boolean sharedGpus;

    /**
     * Meets through a store.
     *
     * @param joining how long members may be apart
     * @param sharedGpus whether several members may use one GPU
     */
    NcclMeeting(Rendezvous.Client store, Duration joining, boolean sharedGpus) {
        this.store = store;
        this.joining = joining;
        this.sharedGpus = sharedGpus;
    }

    /**
     * Returns, when all members have called, the id that member 0 made for them.
     *
     * @param members global ranks
     * @param member the caller among them
     * @param gpu what the caller computes on
     * @throws UserError on every member that came, naming those that did not, or two that use the same GPU
     */
    byte[] meet(String name, List<Integer> members, int member, String gpu, Supplier<byte[]> newId) {
        String key = "nccl/" + name;
        store.put(here(key, member), gpu.getBytes(StandardCharsets.UTF_8));
        Verdict word;
        if (member == 0) {
            word = lookForAll(name, key, members, gpu, newId);
            store.put(key, word.value());
        } else {
            if (store.find(here(key, 0), joining).isEmpty()) {
                throw UserError.environment(missing(name, List.of(members.get(0))));
            }
            word = Verdict.of(store.within(joining.plus(WORD)).get(key));
        }
        return switch (word.kind()) {
            case ID -> word.content();
            case SAME_GPU -> throw UserError.badInput(word.words());
            default -> throw UserError.environment(word.words());
        };
    }

    private Verdict lookForAll(String name, String key, List<Integer> members, String gpu, Supplier<byte[]> newId) {
        long deadline = System.nanoTime() + joining.toNanos();
        List<Integer> missing = new ArrayList<>();
        Map<String, Integer> gpus = new HashMap<>(Map.of(gpu, members.get(0)));
        String twice = "";
        for (int m = 1; m < members.size(); m++) {
            int rank = members.get(m);
            Optional<byte[]> said = store.find(here(key, m), Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            if (said.isEmpty()) {
                missing.add(rank);
                continue;
            }
            String theirs = new String(said.get(), StandardCharsets.UTF_8);
            Integer other = !sharedGpus && theirs.contains("GPU-") ? gpus.put(theirs, rank) : null;
            if (other != null && twice.isEmpty()) {
                twice = "ranks " + other + " and " + rank + " use the same GPU, " + theirs
                        + "; start one process for each GPU (--nproc), and let CUDA_VISIBLE_DEVICES show all of them or one to each; "
                        + "longhaul launch --share-gpus tries a layout on fewer GPUs than ranks";
            }
        }
        if (!twice.isEmpty()) {
            return new Verdict(SAME_GPU, twice);
        }
        return missing.isEmpty() ? new Verdict(ID, newId.get()) : new Verdict(MISSING, missing(name, missing));
    }

    private String missing(String name, List<Integer> ranks) {
        return name + ": rank(s) " + RankList.text(ranks) + " did not come to join NCCL within " + joining.toSeconds() + " s; are they running?";
    }

    private static String here(String key, int member) {
        return key + "/here/" + member;
    }
}
