package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranks of several nodes, each of which believes what it saw of the shared folder before. {@code scripts/clusters/check-shared-folder} found what is tested here. */
class NodeViewTest {
    @TempDir
    private Path folder;

    /** Every save of the first minute failed: rank 1 had looked for checkpoints before rank 0 made the folder. */
    @Test
    void aNodeThatSawNoFolderYetSavesIntoIt() {
        List<Long> failures = ThreadRanks.run(2, group -> {
            Storage mine = new NodeView(new LocalStorage(folder.resolve("run/checkpoints")));
            try (CheckpointStore store = new CheckpointStore(mine, group, 1); CheckpointSaver saver = new CheckpointSaver(store, Fixtures.BACKEND, Fixtures.KEEP_ALL)) {
                mine.children("");
                group.all(true);
                saver.save(Fixtures.meta(1), group.rank() == 1 ? List.of() : Fixtures.filled(Fixtures.wholeState(), 1));
                saver.await();
                return saver.stats().failures();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        assertEquals(List.of(0L, 0L), failures);
    }
}
