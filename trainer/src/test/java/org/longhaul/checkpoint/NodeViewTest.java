package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.longhaul.error.Reason;
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

    /** {@code checkpoint diff} on another node found no checkpoint in a finished run. */
    @Test
    void aNodeWithAnOldListingFindsTheNewestCheckpoint() throws IOException {
        Storage view = new NodeView(new LocalStorage(folder));
        try (CheckpointStore there = CheckpointStore.open(folder); CheckpointStore here = new CheckpointStore(view, RankGroup.single(), 1)) {
            assertEquals(Optional.empty(), here.newestComplete());
            Fixtures.save(there, 3);
            // Has looked at an empty folder, which is there by now.
            view.makeFolder("elsewhere");
            assertEquals(3, here.newestComplete().orElseThrow().step());
            Fixtures.save(there, 7);
            assertEquals(7, here.newestComplete().orElseThrow().step());
            assertEquals(List.of(7L, 3L), here.list().stream().map(CheckpointInfo::step).toList());
        }
    }

    @Test
    void faultsOfOpenFilesNameThem() {
        Storage dev = new LocalStorage(Path.of("/dev"));
        IOException fault = assertThrows(IOException.class, () -> dev.write("full", new byte[1]));
        assertEquals("/dev/full: No space left on device", Reason.of(fault));
    }

    /** Retention warned at every save while somebody read an old checkpoint by the same mount. */
    @Test
    void clientsKeepDeletedFilesThatAreReadUnderNamesOfTheirOwn() {
        assertTrue(LocalStorage.silly(folder.resolve(".fuse_hidden0000001c00000002")));
        assertTrue(LocalStorage.silly(folder.resolve(".nfs000000000000a3b100000001")));
        assertFalse(LocalStorage.silly(folder.resolve("rank-0000.bin")));
    }
}
