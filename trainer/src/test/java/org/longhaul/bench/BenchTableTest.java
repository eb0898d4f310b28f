package org.longhaul.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchTableTest {
    @Test
    void theTableComparesWithEachPeer() {
        BenchResult ours = new BenchResult("longhaul", "1b", 0.25, 0.24, 66_000, 700, 50, 11.5, 11.4, "");
        BenchResult again = new BenchResult("longhaul", "1b", 0.25, 0.24, 62_000, 680, 51, 11.5, 11.4, "");
        BenchResult peer = new BenchResult("torch compile", "1b", 0.3, 0, 50_000, 550, 60, 0, 11.4, "");
        String table = BenchTable.of(List.of(ours, peer, again, BenchResult.failed("torch eager", "1b", "no memory")));
        assertTrue(table.contains("1.280"), table);
        assertTrue(table.contains("failed: no memory"), table);
        assertEquals(4, table.lines().count(), table);
    }
}
