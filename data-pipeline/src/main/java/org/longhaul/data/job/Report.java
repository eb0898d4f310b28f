package org.longhaul.data.job;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.longhaul.error.UserError;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;

/**
 * What a run did to its documents; {@code report.json} beside the manifest. It holds no times, so that the same input and
 * configuration give the same file.
 */
final class Report {
    static final String FILE = "report.json";

    public String configDigest = "";
    public long records;
    public long repaired;
    public long bytesRead;
    public SortedMap<String, Long> problemCounts = new TreeMap<>();
    public List<DocumentStats.Problem> problems = new ArrayList<>();
    public List<String> ignoredFiles = new ArrayList<>();
    public List<DocumentStats.FileLine> files = new ArrayList<>();
    public Tally tally = new Tally();
    public Samples samples = new Samples();
    public long exactClusters;
    public long nearClusters;
    public long pairs;
    public int vocabulary;
    public SortedMap<String, SplitLine> splits = new TreeMap<>();

    /** One split of the shards. */
    public record SplitLine(long documents, long tokens, long bytes, double unigramEntropy, int shards) {}

    /** Adds what a stage counted. */
    void add(DocumentStats stats) {
        records += stats.records;
        repaired += stats.repaired;
        stats.problemCounts.forEach((kind, n) -> problemCounts.merge(kind, n, Long::sum));
        stats.problems.stream().limit(Math.max(0, 200L - problems.size())).forEach(problems::add);
        for (DocumentStats.FileLine file : stats.files) {
            bytesRead += file.bytes();
            if (!file.complete() || !file.problems().isEmpty() || !file.others().isEmpty()) {
                files.add(file);
            }
        }
        tally.merge(stats.tally);
        samples.merge(stats.samples);
    }

    long kept() {
        return tally.rows().stream().filter(row -> row.stage().equals(DecisionLog.KEPT)).mapToLong(Tally.Row::documents).sum();
    }

    long dropped() {
        return tally.rows().stream().filter(row -> !row.stage().equals(DecisionLog.KEPT) && !row.stage().equals("read")).mapToLong(Tally.Row::documents).sum();
    }

    /** Documents by stage and reason, kept ones excluded. */
    SortedMap<String, Long> reasons() {
        SortedMap<String, Long> reasons = new TreeMap<>();
        for (Tally.Row row : tally.rows()) {
            if (!row.stage().equals(DecisionLog.KEPT)) {
                reasons.merge(row.stage() + " / " + row.reason(), row.documents(), Long::sum);
            }
        }
        return reasons;
    }

    /** Reads the report of a finished data set. */
    static Report read(String folder) {
        Configuration conf = new Configuration();
        Store.plainLocalFiles(conf);
        Store store = new Store(conf, folder);
        if (!store.exists(FILE)) {
            throw UserError.badInput(store.display() + (store.exists("")
                    ? ": no report.json: not a finished data set (run `longhaul data run` again to complete it)" : ": no such folder"));
        }
        return Json.convert(Json.parse(new String(store.read(FILE), StandardCharsets.UTF_8), store.display() + "/" + FILE), Report.class);
    }
}
