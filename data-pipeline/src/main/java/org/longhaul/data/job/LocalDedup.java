package org.longhaul.data.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.longhaul.data.dedup.DedupSettings;
import org.longhaul.data.dedup.DuplicateSets;

/** What {@link DedupStage} does, in the memory of one process: for a corpus of a million documents Spark's plans cost more than the work. */
final class LocalDedup {
    private final Configuration conf;
    private final DedupSettings config;
    private final int bands;
    private final long[] idHigh;
    private final long[] idLow;
    private final int[] part;
    private final int[] row;
    private final int[] rank;
    private final int[] length;
    private final long[] exactHigh;
    private final long[] exactLow;
    private final long[] digests;
    private final boolean[] signed;
    private final boolean[] fallen;
    private final Map<Integer, List<Finding>> findings = new TreeMap<>();
    private int size;

    /** A row of the table of duplicates. */
    private record Finding(int document, boolean keep, String reason, int keeper, int clusterSize) {}

    LocalDedup(Configuration conf, DedupSettings config, int documents) {
        this.conf = conf;
        this.config = config;
        this.bands = config.near() ? config.minhash().bands() : 0;
        idHigh = new long[documents];
        idLow = new long[documents];
        part = new int[documents];
        row = new int[documents];
        rank = new int[documents];
        length = new int[documents];
        exactHigh = new long[documents];
        exactLow = new long[documents];
        digests = new long[Math.multiplyExact(documents, bands)];
        signed = new boolean[documents];
        fallen = new boolean[documents];
    }

    /** Writes the tables of duplicates below {@code folder}; answers what was counted. */
    ObjectNode run(List<String> documentFiles, Path folder) throws IOException {
        for (String file : documentFiles) {
            Rows.read(conf, new Path(file), Tables.DIGESTS, this::load);
        }
        ObjectNode stats = Json.MAPPER.createObjectNode();
        if (config.exact()) {
            stats.put("exact_clusters", exact());
        }
        if (config.near()) {
            near(stats);
        }
        write(folder);
        return stats;
    }

    private void load(Group group) {
        int i = size++;
        idHigh[i] = group.getLong("id_high", 0);
        idLow[i] = group.getLong("id_low", 0);
        part[i] = group.getInteger("part", 0);
        row[i] = group.getInteger("row", 0);
        rank[i] = group.getInteger("rank", 0);
        length[i] = group.getInteger("length", 0);
        exactHigh[i] = group.getLong("exact_high", 0);
        exactLow[i] = group.getLong("exact_low", 0);
        LongBuffer packed = ByteBuffer.wrap(group.getBinary("bands", 0).getBytes()).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        if (packed.remaining() > 0 && bands > 0) {
            signed[i] = true;
            packed.get(digests, i * bands, bands);
        }
    }

    /** The survivor first: best source, longest, smallest id, then place. */
    private int compare(int a, int b) {
        int order = Integer.compare(rank[a], rank[b]);
        order = order != 0 ? order : Integer.compare(length[b], length[a]);
        order = order != 0 ? order : Long.compareUnsigned(idHigh[a], idHigh[b]);
        order = order != 0 ? order : Long.compareUnsigned(idLow[a], idLow[b]);
        order = order != 0 ? order : Integer.compare(part[a], part[b]);
        return order != 0 ? order : Integer.compare(row[a], row[b]);
    }

    private record Digest(long high, long low) {}

    private long exact() {
        Map<Digest, List<Integer>> groups = new HashMap<>(size * 2);
        for (int i = 0; i < size; i++) {
            groups.computeIfAbsent(new Digest(exactHigh[i], exactLow[i]), k -> new ArrayList<>(1)).add(i);
        }
        return groups.values().stream().filter(group -> cluster(group, DedupStage.EXACT)).count();
    }

    private void near(ObjectNode stats) {
        long[] pairs = pairs();
        DuplicateSets sets = new DuplicateSets(size);
        for (long pair : pairs) {
            sets.union((int) (pair >>> 32), (int) pair);
        }
        int[] keepers = sets.keepers(Comparator.naturalOrder());
        Map<Integer, List<Integer>> groups = new TreeMap<>();
        for (int i = 0; i < size; i++) {
            if (sets.size(i) > 1) {
                groups.computeIfAbsent(keepers[i], k -> new ArrayList<>()).add(i);
            }
        }
        stats.put("candidates", pairs.length).put("pairs", pairs.length);
        stats.put("near_clusters", groups.values().stream().filter(group -> cluster(group, DedupStage.NEAR)).count());
    }

    /** Star edges of all bands, each once: (document, smallest id of the bucket) as two halves of a number. */
    private long[] pairs() {
        long[] pairs = new long[1 << 10];
        int count = 0;
        Map<Long, Integer> smallest = new HashMap<>(size * 2);
        for (int band = 0; band < bands; band++) {
            smallest.clear();
            for (int i = 0; i < size; i++) {
                if (signed[i] && !fallen[i]) {
                    smallest.merge(digests[i * bands + band], i, this::smaller);
                }
            }
            for (int i = 0; i < size; i++) {
                if (signed[i] && !fallen[i]) {
                    int root = smallest.get(digests[i * bands + band]);
                    if (root != i) {
                        pairs = count == pairs.length ? Arrays.copyOf(pairs, 2 * count) : pairs;
                        pairs[count++] = (long) i << 32 | root;
                    }
                }
            }
        }
        return Arrays.stream(pairs, 0, count).sorted().distinct().toArray();
    }

    private int smaller(int a, int b) {
        int order = Long.compare(idHigh[a], idHigh[b]);
        order = order != 0 ? order : Long.compare(idLow[a], idLow[b]);
        return order <= 0 ? a : b;
    }

    private boolean cluster(List<Integer> members, String reason) {
        if (members.size() < 2) {
            return false;
        }
        int keeper = members.stream().min(this::compare).orElseThrow();
        for (int member : members) {
            fallen[member] |= member != keeper;
            findings.computeIfAbsent(part[member], k -> new ArrayList<>()).add(new Finding(member, member == keeper, reason, keeper, members.size()));
        }
        return true;
    }

    private void write(Path folder) throws IOException {
        for (Map.Entry<Integer, List<Finding>> entry : findings.entrySet()) {
            entry.getValue().sort(Comparator.comparingInt((Finding f) -> row[f.document]).thenComparing(Finding::keep));
            try (Rows.Writer out = new Rows.Writer(conf, new Path(folder, "part=" + entry.getKey() + "/duplicates.parquet"), Tables.DUPLICATES)) {
                for (Finding finding : entry.getValue()) {
                    Group group = out.row();
                    group.append("row", row[finding.document]).append("id_high", idHigh[finding.document]).append("id_low", idLow[finding.document])
                            .append("keep", finding.keep).append("reason", finding.reason).append("keeper_high", idHigh[finding.keeper])
                            .append("keeper_low", idLow[finding.keeper]).append("cluster_size", (long) finding.clusterSize);
                    out.write(group);
                }
            }
        }
    }
}
