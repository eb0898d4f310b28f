package org.longhaul.data.read;

import java.io.Closeable;
import java.util.Iterator;

/**
 * The records of one file in order, with problems where they occur and a {@link FileSummary} as the last element. Nothing in
 * the content of a file makes it throw; it closes itself at the end.
 */
public interface RecordReader extends Iterator<ReadResult>, Closeable {
    /** Releases the file. */
    @Override
    void close();
}
