package org.longhaul.data.dedup;

import java.io.Serializable;
import java.util.List;
import org.longhaul.data.DocumentId;

/**
 * What decides which of several duplicates stays; the smallest is kept: best source, then longest text, then smallest id. The id
 * makes the order total, so the choice never depends on timing or partitioning.
 *
 * @param sourceRank position of the source in the priority list; its length for other sources
 * @param length text length in UTF-16 units
 * @param id document id
 */
public record KeeperKey(int sourceRank, int length, DocumentId id) implements Comparable<KeeperKey>, Serializable {
    /** The key of one document. */
    public static KeeperKey of(List<String> sourcePriority, String source, int length, DocumentId id) {
        int rank = sourcePriority.indexOf(source);
        return new KeeperKey(rank < 0 ? sourcePriority.size() : rank, length, id);
    }

    @Override
    public int compareTo(KeeperKey other) {
        int order = Integer.compare(sourceRank, other.sourceRank);
        if (order == 0) {
            order = Integer.compare(other.length, length);
        }
        return order != 0 ? order : id.compareTo(other.id);
    }
}
