package org.longhaul.data.job;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.CancellationException;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.longhaul.error.UserError;

/** Looks up what was decided about documents, in the decision tables of a data set. */
final class DecisionQuery {
    private final String id;
    private final String reason;
    private final String source;
    private final int limit;
    private int found;

    /** Null means any. */
    DecisionQuery(String id, String reason, String source, int limit) {
        this.id = id;
        this.reason = reason;
        this.source = source;
        this.limit = limit;
    }

    void print(String folder, PrintWriter out) {
        Configuration conf = new Configuration();
        Store.plainLocalFiles(conf);
        Store decisions = new Store(conf, folder).folder(Pipeline.DECISIONS);
        try {
            for (String name : decisions.names()) {
                Rows.read(conf, decisions.path(name), Tables.DECISIONS, row -> print(row, out));
            }
        } catch (CancellationException e) {
            return;
        } catch (IOException e) {
            throw UserError.badInput(decisions.display() + ": cannot be read: " + Store.firstLine(e), e);
        }
        if (found == 0) {
            throw UserError.badInput("no decision matches; `longhaul data inspect " + folder + "` lists stages, reasons and sources");
        }
    }

    private void print(Group row, PrintWriter out) {
        if ((id != null && !row.getString("id", 0).startsWith(id)) || (source != null && !row.getString("source", 0).equals(source))
                || (reason != null && !row.getString("reason", 0).equals(reason) && !row.getString("stage", 0).equals(reason))) {
            return;
        }
        if (found++ == limit) {
            throw new CancellationException("enough");
        }
        out.printf("%s  %s  %s  %s: %s / %s  score %.4g  %,d bytes  %s: %s%n", row.getBoolean("keep", 0) ? "kept   " : "dropped",
                row.getString("id", 0), row.getString("source", 0), row.getString("language", 0), row.getString("stage", 0), row.getString("reason", 0),
                row.getDouble("score", 0), row.getLong("bytes", 0), row.getString("file", 0), row.getString("position", 0));
        row.getString("excerpt", 0).lines().limit(6).forEach(line -> out.println("    | " + line));
    }
}
