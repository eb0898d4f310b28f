package org.longhaul.trust;

import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Compares what ranks of a group hold that should be the same bit for bit, such as the replicas' working weights. A broken GPU
 * or a wrong collective shows here long before the loss does.
 */
public final class ReplicaHash implements AutoCloseable {
    private final Backend backend;
    private final Communicator group;
    private final Arena arena;
    private final HostScan scan;
    private final byte[] copy = new byte[1 << 20];

    /** Compares within the group. */
    public ReplicaHash(Backend backend, Communicator group) {
        this.backend = backend;
        this.group = group;
        this.arena = backend.allocate("replica hash", Arena.align(8L * group.size()));
        this.scan = new HostScan(backend);
    }

    /** Ranks of the group whose tensors differ from those of most ranks; empty when all agree. Every rank gets the answer. */
    public List<Integer> deviating(List<Tensor> tensors) {
        Tensor all = arena.tensor("hashes", 0, DType.F32, 2L * group.size());
        Tensor mine = all.slice(2L * group.rank(), 2L * group.rank() + 2);
        ByteBuffer bytes = ByteBuffer.allocateDirect(8 * group.size()).order(ByteOrder.nativeOrder());
        backend.upload(mine, bytes.duplicate().order(ByteOrder.nativeOrder()).limit(8).putLong(0, hash(tensors)));
        group.allGather(all, mine, backend.computeStream());
        backend.download(bytes, all);
        long[] hashes = new long[group.size()];
        bytes.asLongBuffer().get(hashes);
        return minority(hashes);
    }

    @Override
    public void close() {
        arena.close();
    }

    /** XXH3 over the tensors' bytes, in order. */
    long hash(List<Tensor> tensors) {
        HashStream64 stream = Hashing.xxh3_64().hashStream();
        for (Tensor tensor : tensors) {
            scan.pieces(tensor, bytes -> {
                while (bytes.hasRemaining()) {
                    int n = Math.min(copy.length, bytes.remaining());
                    bytes.get(copy, 0, n);
                    stream.putBytes(copy, 0, n);
                }
            });
        }
        return stream.getAsLong();
    }

    /** Members that differ from the most frequent value; with a tie the value of the lowest rank counts as right. */
    static List<Integer> minority(long[] hashes) {
        Map<Long, Integer> votes = new HashMap<>();
        for (long hash : hashes) {
            votes.merge(hash, 1, Integer::sum);
        }
        long right = hashes[0];
        for (long hash : hashes) {
            if (votes.get(hash) > votes.get(right)) {
                right = hash;
            }
        }
        List<Integer> others = new ArrayList<>();
        for (int r = 0; r < hashes.length; r++) {
            if (hashes[r] != right) {
                others.add(r);
            }
        }
        return List.copyOf(others);
    }
}
