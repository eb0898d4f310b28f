package org.longhaul.data.read;

import java.io.Serializable;

/** What a reader hands out: records, problems where they occur, and one {@link FileSummary} at the end of each file. */
public sealed interface ReadResult extends Serializable permits InputRecord, ReadProblem, FileSummary {}
