package org.longhaul.shards;

/** What happens when ids that are read do not match the checksum of their page. */
public enum ReadChecks {
    /** The read ends with a UserError. */
    END,
    /** The damage is told, once a page, and the ids are taken as they are. */
    WARN,
    /** No checksums are compared. */
    NONE
}
