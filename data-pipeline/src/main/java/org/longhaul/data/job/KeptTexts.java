package org.longhaul.data.job;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;

/** Goes through the documents of one part with what deduplication decided about them: the one place where text and decisions meet. */
final class KeptTexts {
    private final Configuration conf;
    private final Path documents;
    private final Map<Integer, Duplicate> duplicates = new HashMap<>();

    /** A row of the table of duplicates. */
    private record Duplicate(long idHigh, long idLow, boolean keep, String reason, long clusterSize) {}

    /**
     * A document.
     *
     * @param reason why it is dropped, empty when it is kept
     * @param clusterSize documents that it stands for or fell with, itself included
     */
    record Entry(long idHigh, long idLow, String source, String language, String text, long textBytes, long exactHigh,
            long exactLow, String file, String position, String reason, long clusterSize) {
        String id() {
            return String.format("%016x%016x", idHigh, idLow);
        }
    }

    /** What is done with every document. */
    @FunctionalInterface
    interface Each {
        void accept(Entry entry) throws IOException;
    }

    /**
     * Loads the decisions about a part.
     *
     * @param documents the part's {@code documents.parquet}
     * @param dedup the committed folder of the dedup stage
     */
    KeptTexts(Configuration conf, int part, Path documents, Path dedup) throws IOException {
        this.conf = conf;
        this.documents = documents;
        Path folder = new Path(dedup, DedupStage.FILE + "/part=" + part);
        FileSystem fs = folder.getFileSystem(conf);
        if (!fs.exists(folder)) {
            return;
        }
        for (FileStatus file : fs.listStatus(folder)) {
            if (file.getPath().getName().endsWith(".parquet")) {
                Rows.read(conf, file.getPath(), Tables.DUPLICATES, this::load);
            }
        }
    }

    private void load(Group row) {
        Duplicate duplicate = new Duplicate(row.getLong("id_high", 0), row.getLong("id_low", 0), row.getBoolean("keep", 0),
                row.getString("reason", 0), row.getLong("cluster_size", 0));
        // A document that survives among its exact copies may still fall as a near duplicate: the drop counts.
        duplicates.merge(row.getInteger("row", 0), duplicate, (a, b) -> a.keep ? b.keep
                ? new Duplicate(a.idHigh, a.idLow, true, a.reason, a.clusterSize + b.clusterSize - 1) : b : a);
    }

    void forEach(Each consumer) throws IOException {
        Rows.read(conf, documents, Tables.TEXTS, row -> {
            long high = row.getLong("id_high", 0);
            long low = row.getLong("id_low", 0);
            Duplicate duplicate = duplicates.get(row.getInteger("row", 0));
            if (duplicate != null && (duplicate.idHigh != high || duplicate.idLow != low)) {
                throw new IllegalStateException(documents + ": row " + row.getInteger("row", 0) + " is another document than the one decided about");
            }
            consumer.accept(new Entry(high, low, row.getString("source", 0), row.getString("language", 0), row.getString("text", 0),
                    row.getLong("text_bytes", 0), row.getLong("exact_high", 0), row.getLong("exact_low", 0), row.getString("file", 0),
                    row.getString("position", 0), duplicate == null || duplicate.keep ? "" : duplicate.reason,
                    duplicate == null ? 1 : duplicate.clusterSize));
        });
    }
}
