package org.longhaul.data.job;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.io.api.Binary;
import org.longhaul.data.Document;
import org.longhaul.data.read.FileSummary;
import org.longhaul.data.read.InputFormat;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.read.ReadProblem;
import org.longhaul.data.read.ReadResult;
import org.longhaul.data.read.ReadSettings;
import org.longhaul.data.read.RecordFiles;
import org.longhaul.data.read.RecordReader;

/** Reads one part, applies the per-document rules and writes what is kept and what was decided. */
final class DocumentTask {
    static final String FILE = "documents.parquet";

    private final Configuration conf;
    private final DataConfig config;
    private final Part part;
    private final DocumentStats stats = new DocumentStats();
    private final int rank;

    DocumentTask(Configuration conf, DataConfig config, Part part) {
        this.conf = conf;
        this.config = config;
        this.part = part;
        this.rank = config.rank(part.source());
    }

    /** Does the work and commits it. */
    void run(StageFolder stage, String digest) throws IOException {
        Path folder = stage.begin(part.index());
        DocumentPass pass = DocumentPass.of(conf, config, part.source());
        ReadSettings settings = config.inputs().get(part.source()).read();
        try (Rows.Writer documents = new Rows.Writer(conf, new Path(folder, FILE), Tables.DOCUMENTS);
                DecisionLog decisions = new DecisionLog(conf, folder, stats, config.output().excerptChars())) {
            for (Part.File file : part.files()) {
                try (RecordReader reader = open(file, settings)) {
                    while (reader.hasNext()) {
                        accept(reader.next(), pass, documents, decisions);
                    }
                }
            }
        }
        stage.commit(part.index(), folder, digest, Json.MAPPER.valueToTree(stats));
    }

    private RecordReader open(Part.File file, ReadSettings settings) {
        Path path = new Path(file.path());
        return file.format() == InputFormat.PARQUET
                ? new ParquetRecords(conf, path, part.source(), settings)
                : RecordFiles.open(conf, path, file.format(), part.source(), settings);
    }

    private void accept(ReadResult result, DocumentPass pass, Rows.Writer documents, DecisionLog decisions) throws IOException {
        if (result instanceof InputRecord record) {
            stats.records++;
            stats.repaired += record.repairs() > 0 ? 1 : 0;
            Live.DOCUMENTS.increment();
            Verdict verdict = pass.judge(record);
            if (verdict instanceof Verdict.Keep keep) {
                write(keep, record, documents);
                Live.KEPT.increment();
            } else if (verdict instanceof Verdict.Drop drop) {
                Document document = drop.document();
                decisions.add(new DecisionLog.Decision(document.id().toString(), document.source(), document.language(), drop.stage(),
                        false, drop.reason(), drop.score(), DecisionLog.utf8Length(document.text()), 0, record.file(),
                        record.position().toString()), document.text());
            }
        } else if (result instanceof ReadProblem problem) {
            stats.problem(new DocumentStats.Problem(problem.kind().label(), problem.message()));
            if (problem.kind().effect() == ReadProblem.Effect.RECORD_LOST) {
                decisions.add(new DecisionLog.Decision("", part.source(), "", "read", false, problem.kind().label(), Double.NaN, 0, 0,
                        problem.file(), problem.position().toString()), problem.reason());
            }
        } else if (result instanceof FileSummary summary) {
            Live.BYTES.add(summary.bytes());
            stats.files.add(new DocumentStats.FileLine(summary.file(), summary.records(), summary.bytes(), summary.complete(),
                    new TreeMap<>(summary.problems()), new TreeMap<>(summary.others())));
        }
    }

    private void write(Verdict.Keep keep, InputRecord record, Rows.Writer documents) throws IOException {
        Document document = keep.document();
        long bytes = DecisionLog.utf8Length(document.text());
        ByteBuffer bands = ByteBuffer.allocate(8 * keep.bands().length).order(ByteOrder.LITTLE_ENDIAN);
        for (long band : keep.bands()) {
            bands.putLong(band);
        }
        Group row = documents.row();
        row.append("id_high", document.id().high()).append("id_low", document.id().low())
                .append("part", part.index()).append("row", (int) stats.rows).append("rank", rank).append("length", document.text().length())
                .append("source", document.source()).append("language", document.language()).append("url", document.url())
                .append("text", document.text()).append("text_bytes", bytes)
                .append("exact_high", keep.exactHigh()).append("exact_low", keep.exactLow())
                .append("bands", Binary.fromConstantByteArray(bands.array()))
                .append("file", record.file()).append("position", record.position().toString());
        documents.write(row);
        stats.rows++;
        stats.rowBytes += bytes;
    }
}
