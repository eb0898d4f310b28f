package org.longhaul.data.read;

import java.util.Map;

/**
 * What was read of one file; the last thing that its reader hands out.
 *
 * @param file the file, as a URI or path
 * @param records records handed out
 * @param bytes decompressed bytes read
 * @param problems count by {@link ReadProblem.Kind#label()}
 * @param others records that are no documents by nature, such as WARC requests, by type
 * @param complete whether the file was read to its end
 */
public record FileSummary(
        String file, long records, long bytes, Map<String, Long> problems, Map<String, Long> others, boolean complete)
        implements ReadResult {
    /** Copies the maps. */
    public FileSummary {
        problems = Map.copyOf(problems);
        others = Map.copyOf(others);
    }
}
