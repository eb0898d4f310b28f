package org.longhaul.data.read;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;

/** Helpers of the reader tests. */
final class Inputs {
    private Inputs() {}

    /** Everything a reader hands out, sorted by kind. */
    record Outcome(List<InputRecord> records, List<ReadProblem> problems, FileSummary summary) {
        List<String> texts() {
            return records.stream().map(r -> ((InputRecord.Text) r.body()).text()).toList();
        }

        List<ReadProblem.Kind> kinds() {
            return problems.stream().map(ReadProblem::kind).toList();
        }
    }

    static Outcome readAll(Path file) {
        return readAll(file, ReadSettings.defaults());
    }

    static Outcome readAll(Path file, ReadSettings settings) {
        List<InputRecord> records = new ArrayList<>();
        List<ReadProblem> problems = new ArrayList<>();
        FileSummary summary = null;
        try (RecordReader reader = RecordFiles.open(
                new Configuration(false), new org.apache.hadoop.fs.Path(file.toUri()), "test", settings)) {
            while (reader.hasNext()) {
                ReadResult result = reader.next();
                if (summary != null) {
                    throw new AssertionError("something came after the summary: " + result);
                }
                if (result instanceof InputRecord record) {
                    records.add(record);
                } else if (result instanceof ReadProblem problem) {
                    problems.add(problem);
                } else {
                    summary = (FileSummary) result;
                }
            }
        }
        return new Outcome(records, problems, summary);
    }

    static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    static byte[] jsonLines(int from, int to) {
        StringBuilder out = new StringBuilder();
        for (int i = from; i < to; i++) {
            out.append("{\"id\": \"r").append(i).append("\", \"text\": \"text number ").append(i).append("\"}\n");
        }
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    static Path write(Path folder, String name, byte[]... parts) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            for (byte[] part : parts) {
                out.write(part);
            }
        }
        return file;
    }
}
