package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.parquet.io.api.Binary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.data.dedup.DedupSettings;

/** Against a naive twin: clusters by repeated relabelling over all pairs. */
class LocalDedupTest {
    private static final int BANDS = DedupSettings.defaults().minhash().bands();

    @TempDir
    Path folder;

    private record Doc(int part, int row, long high, long low, int rank, int length, long exact, long[] bands) {
        String place() {
            return part + ":" + row;
        }
    }

    @Test
    void equalsTheNaiveTwin() throws IOException {
        for (long seed = 1; seed <= 8; seed++) {
            Random random = new Random(seed);
            List<Doc> docs = new ArrayList<>();
            int[] rows = new int[3];
            for (int i = 0; i < 200; i++) {
                int part = random.nextInt(3);
                long[] bands = random.nextInt(10) == 0 ? new long[0] : random.longs(BANDS, 0, 2_000).toArray();
                docs.add(new Doc(part, rows[part]++, random.nextInt(5) - 2, random.nextInt(40) - 20, random.nextInt(2), random.nextInt(4),
                        random.nextInt(150), bands));
            }
            // Equal ids mean equal texts.
            Map<String, Doc> byId = new TreeMap<>();
            docs.replaceAll(doc -> {
                Doc first = byId.putIfAbsent(doc.high + " " + doc.low, doc);
                return first == null ? doc : new Doc(doc.part, doc.row, doc.high, doc.low, first.rank, first.length, first.exact, first.bands);
            });
            assertEquals(naive(docs), found(docs, seed), "seed " + seed);
        }
    }

    private Map<String, String> found(List<Doc> docs, long seed) throws IOException {
        Configuration conf = new Configuration();
        Store.plainLocalFiles(conf);
        org.apache.hadoop.fs.Path place = new org.apache.hadoop.fs.Path(folder.resolve("s" + seed).toString());
        List<String> files = new ArrayList<>();
        for (int part = 0; part < 3; part++) {
            org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(place, "documents-" + part + ".parquet");
            try (Rows.Writer out = new Rows.Writer(conf, file, Tables.DIGESTS)) {
                for (Doc doc : docs) {
                    if (doc.part == part) {
                        ByteBuffer bands = ByteBuffer.allocate(8 * doc.bands.length).order(ByteOrder.LITTLE_ENDIAN);
                        bands.asLongBuffer().put(doc.bands);
                        var row = out.row();
                        row.append("id_high", doc.high).append("id_low", doc.low).append("part", doc.part).append("row", doc.row).append("rank", doc.rank)
                                .append("length", doc.length).append("exact_high", doc.exact).append("exact_low", 0L)
                                .append("bands", Binary.fromConstantByteArray(bands.array()));
                        out.write(row);
                    }
                }
            }
            files.add(file.toString());
        }
        org.apache.hadoop.fs.Path out = new org.apache.hadoop.fs.Path(place, "out");
        ObjectNode stats = new LocalDedup(conf, DedupSettings.defaults(), docs.size()).run(files, out);
        Map<String, String> found = new TreeMap<>();
        for (FileStatus part : out.getFileSystem(conf).listStatus(out)) {
            int number = Integer.parseInt(part.getPath().getName().substring("part=".length()));
            Rows.read(conf, new org.apache.hadoop.fs.Path(part.getPath(), "duplicates.parquet"), Tables.DUPLICATES, row -> {
                if (!row.getBoolean("keep", 0)) {
                    found.put(number + ":" + row.getInteger("row", 0), row.getString("reason", 0) + " " + row.getLong("cluster_size", 0));
                }
            });
        }
        long clusters = stats.path("exact_clusters").asLong() + stats.path("near_clusters").asLong();
        assertEquals(clusters > 0, !found.isEmpty());
        return found;
    }

    private static final Comparator<Doc> ORDER = Comparator.comparingInt(Doc::rank).thenComparing(Comparator.comparingInt(Doc::length).reversed())
            .thenComparing(Doc::high, Long::compareUnsigned).thenComparing(Doc::low, Long::compareUnsigned)
            .thenComparingInt(Doc::part).thenComparingInt(Doc::row);

    private static Map<String, String> naive(List<Doc> docs) {
        Map<String, String> dropped = new TreeMap<>();
        List<Doc> left = new ArrayList<>();
        docs.stream().collect(Collectors.groupingBy(Doc::exact)).values().forEach(group -> {
            group.sort(ORDER);
            left.add(group.get(0));
            group.subList(1, group.size()).forEach(doc -> dropped.put(doc.place(), "exact_duplicate " + group.size()));
        });
        int[] label = new int[left.size()];
        java.util.Arrays.setAll(label, i -> i);
        for (boolean changed = true; changed; ) {
            changed = false;
            for (int a = 0; a < left.size(); a++) {
                for (int b = 0; b < left.size(); b++) {
                    if (label[b] > label[a] && near(left.get(a), left.get(b))) {
                        label[b] = label[a];
                        changed = true;
                    }
                }
            }
        }
        Map<Integer, List<Doc>> clusters = new TreeMap<>();
        for (int i = 0; i < label.length; i++) {
            clusters.computeIfAbsent(label[i], k -> new ArrayList<>()).add(left.get(i));
        }
        clusters.values().forEach(cluster -> {
            cluster.sort(ORDER);
            cluster.subList(1, cluster.size()).forEach(doc -> dropped.put(doc.place(), "near_duplicate " + cluster.size()));
        });
        return dropped;
    }

    private static boolean near(Doc a, Doc b) {
        for (int band = 0; band < Math.min(a.bands.length, b.bands.length); band++) {
            if (a.bands[band] == b.bands[band]) {
                return true;
            }
        }
        return false;
    }
}
