package org.longhaul.data.extract;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How the main text of a web page is found. */
@Doc("Extraction of the main text of HTML pages.")
public record HtmlSettings(
        @Doc("Bytes of a page that are parsed; the rest is cut off.") @Default("4194304") int maxPageBytes,
        @Doc("Depth of nested elements that is kept; deeper ones are flattened.") @Default("256") int maxDepth,
        @Doc("Least characters of main text; pages with less are dropped.") @Default("100") int minCharacters,
        @Doc("Keep rows of data tables, cells joined by a bar.") @Default("true") boolean keepTables)
        implements Serializable {

    /** Checks ranges. */
    public HtmlSettings {
        if (maxPageBytes < 1024) {
            throw new IllegalArgumentException("max_page_bytes must be at least 1024: " + maxPageBytes);
        }
        if (maxDepth < 16 || maxDepth > 1024) {
            throw new IllegalArgumentException("max_depth must be between 16 and 1024: " + maxDepth);
        }
        if (minCharacters < 0) {
            throw new IllegalArgumentException("min_characters must not be negative: " + minCharacters);
        }
    }

    /** The defaults. */
    public static HtmlSettings defaults() {
        return new HtmlSettings(1 << 22, 256, 100, true);
    }
}
