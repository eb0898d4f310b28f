package org.longhaul.data.job;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;

/** The decisions of one part: a row in a Parquet file, a count, and perhaps a sample. */
final class DecisionLog implements Closeable {
    static final String FILE = "decisions.parquet";
    static final String KEPT = "kept";

    private final Rows.Writer out;
    private final DocumentStats stats;
    private final int excerptChars;

    DecisionLog(Configuration conf, Path folder, DocumentStats stats, int excerptChars) throws IOException {
        this.out = new Rows.Writer(conf, new Path(folder, FILE), Tables.DECISIONS);
        this.stats = stats;
        this.excerptChars = excerptChars;
    }

    /** One decision, without the text. */
    record Decision(String id, String source, String language, String stage, boolean keep, String reason, double score,
            long bytes, long tokens, String file, String position) {}

    void add(Decision d, String text) throws IOException {
        String excerpt = d.keep ? "" : excerpt(text);
        Group row = out.row();
        row.append("id", d.id).append("source", d.source).append("language", d.language).append("stage", d.stage)
                .append("keep", d.keep).append("reason", d.reason).append("score", d.score).append("bytes", d.bytes)
                .append("file", d.file).append("position", d.position).append("excerpt", excerpt);
        out.write(row);
        stats.tally.add(new Tally.Key(d.source, d.language, d.stage, d.reason), 1, d.bytes, d.tokens);
        if (!d.keep && stats.samples.wants(d.stage, d.reason, d.source, d.id)) {
            stats.samples.add(new Samples.Sample(d.stage, d.reason, d.source, d.id, d.file, d.position,
                    Double.isNaN(d.score) ? 0 : d.score, excerpt));
        }
    }

    private String excerpt(String text) {
        if (text.length() <= excerptChars) {
            return text;
        }
        int end = excerptChars > 0 && Character.isHighSurrogate(text.charAt(excerptChars - 1)) ? excerptChars - 1 : excerptChars;
        return text.substring(0, end);
    }

    /** Length in UTF-8 bytes, without encoding. */
    static long utf8Length(String text) {
        long bytes = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            // Each half of a surrogate pair counts two of the pair's four bytes.
            bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
        }
        return bytes;
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
