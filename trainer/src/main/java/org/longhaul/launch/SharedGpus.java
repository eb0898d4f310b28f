package org.longhaul.launch;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Several ranks on one GPU, to try a layout where there are fewer GPUs than ranks ({@code longhaul launch --share-gpus}). NCCL refuses two ranks
 * of one host on one GPU, so each is a host of its own to it, and they talk through sockets. The processes take turns on the GPU: what is
 * computed is right, how long it takes means nothing.
 */
public final class SharedGpus {
    /** Set for the ranks by the launcher. */
    static final String VARIABLE = "LONGHAUL_SHARE_GPUS";

    private SharedGpus() {}

    /** Whether this rank was started to share its GPU with others. */
    public static boolean on(Map<String, String> environment) {
        return "1".equals(environment.get(VARIABLE));
    }

    /**
     * What a rank's process needs in its environment.
     *
     * @param rank of all nodes' ranks
     * @param nodes nodes of the job
     * @param outer what the launcher itself was given; what the user chose there stays, but not the host's name, which must differ
     */
    static Map<String, String> environment(int rank, int nodes, Map<String, String> outer) {
        Map<String, String> set = new LinkedHashMap<>();
        set.put(VARIABLE, "1");
        set.put("NCCL_HOSTID", "longhaul-rank-" + rank);
        Map<String, String> unlessChosen = new LinkedHashMap<>();
        unlessChosen.put("NCCL_NET", "Socket");
        unlessChosen.put("NCCL_IB_DISABLE", "1");
        if (nodes == 1) {
            unlessChosen.put("NCCL_SOCKET_IFNAME", "lo");
        }
        // What reaches beyond a host is no matter here, and what reaches beyond a process must not be tried.
        unlessChosen.put("NCCL_MNNVL_ENABLE", "0");
        unlessChosen.put("NCCL_NVLS_ENABLE", "0");
        // As among the GPUs of one host; many ranks' rings stay light with few channels, each of which keeps a block of the GPU waiting.
        unlessChosen.put("NCCL_ALGO", "Ring");
        unlessChosen.put("NCCL_MAX_NCHANNELS", "2");
        unlessChosen.put("NCCL_MAX_P2P_NCHANNELS", "2");
        unlessChosen.forEach((name, value) -> {
            if (!outer.containsKey(name)) {
                set.put(name, value);
            }
        });
        return set;
    }
}
