package org.longhaul.data.job;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a per-part stage counted; merges associatively. Field by field the JSON of a part's marker. */
final class DocumentStats {
    private static final int PROBLEMS_SHOWN = 100;

    /** A problem of the input that a report shows: one line, and the class it is counted under. */
    record Problem(String kind, String message) {}

    /** A file that was not read to its end or held something that could not be used. */
    public record FileLine(String file, long records, long bytes, boolean complete, SortedMap<String, Long> problems, SortedMap<String, Long> others) {}

    public Tally tally = new Tally();
    public Samples samples = new Samples();
    public List<FileLine> files = new ArrayList<>();
    public List<Problem> problems = new ArrayList<>();
    public SortedMap<String, Long> problemCounts = new TreeMap<>();
    public long records;
    public long repaired;
    public long rows;
    public long rowBytes;

    void problem(Problem problem) {
        problemCounts.merge(problem.kind, 1L, Long::sum);
        if (problems.size() < PROBLEMS_SHOWN) {
            problems.add(problem);
        }
    }

    void merge(DocumentStats other) {
        tally.merge(other.tally);
        samples.merge(other.samples);
        files.addAll(other.files);
        other.problems.stream().limit(PROBLEMS_SHOWN - (long) problems.size()).forEach(problems::add);
        other.problemCounts.forEach((kind, n) -> problemCounts.merge(kind, n, Long::sum));
        records += other.records;
        repaired += other.repaired;
        rows += other.rows;
        rowBytes += other.rowBytes;
    }
}
