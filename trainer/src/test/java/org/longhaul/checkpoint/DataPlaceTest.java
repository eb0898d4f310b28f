package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

/** Data sets are found where they lay at the save, from here, and beside a run that moved with them. */
class DataPlaceTest {
    private static final Path NAMED = Path.of("shards/web");

    @TempDir
    private Path folder;

    @Test
    void theFolderOfTheSaveComesFirstThenHereThenBesideTheRun() throws IOException {
        Path project = folder.resolve("project");
        Path kept = project.resolve("shards/web");
        List<Path> places = DataPlace.candidates(NAMED, Optional.of(kept), Optional.of(folder.resolve("moved/runs/a")));
        assertEquals(List.of(kept, NAMED.toAbsolutePath(), folder.resolve("moved/runs/a/shards/web"), folder.resolve("moved/runs/shards/web"),
                folder.resolve("moved/shards/web")), places.subList(0, 5));
        Path moved = Files.createDirectories(folder.resolve("moved/shards/web"));
        Files.writeString(moved.resolve("manifest.json"), "{}");
        assertEquals(moved, DataPlace.having("manifest.json", places, NAMED, "runs/a", "--data"));
        Files.createDirectories(kept);
        Files.writeString(kept.resolve("manifest.json"), "{}");
        assertEquals(kept, DataPlace.having("manifest.json", places, NAMED, "runs/a", "--data"));
    }

    @Test
    void anAbsolutePathIsNotLookedForBesideTheRun() {
        assertEquals(List.of(Path.of("/data/web")), DataPlace.candidates(Path.of("/data/web"), Optional.empty(), Optional.of(folder)));
    }

    @Test
    void aSetBesideTheOneTrainedOnIsNotLookedForInItsPlace() {
        assertEquals(List.of(NAMED.toAbsolutePath(), folder.resolve("shards/web")), DataPlace.candidates(folder.toString(), NAMED).subList(0, 2));
        assertEquals(List.of(NAMED.toAbsolutePath()), DataPlace.candidates("hdfs://host/runs/a", NAMED));
    }

    @Test
    void whatWasTriedIsSaidInOneLine() {
        List<Path> places = List.of(folder.resolve("a"), folder.resolve("b"));
        UserError e = assertThrows(UserError.class, () -> DataPlace.having("manifest.json", places, NAMED, "runs/a", "--data"));
        assertEquals("runs/a: its data set shards/web is not found, tried " + folder + "/a/manifest.json, " + folder + "/b/manifest.json; name it with --data",
                e.getMessage());
    }

    @Test
    void aCheckpointRemembersItAndItsOwnPlaceCounts() throws IOException {
        CheckpointStore store = CheckpointStore.open(folder.resolve("run"));
        CheckpointMeta plain = Fixtures.meta(1, SaveKind.PERMANENT);
        CheckpointMeta meta = new CheckpointMeta(1, SaveKind.PERMANENT, plain.model(), plain.configYaml(), Map.of(),
                DataPlace.keep(new ObjectMapper().createObjectNode(), folder.resolve("x/../data")));
        Fixtures.save(store, meta, Fixtures.filled(Fixtures.wholeState(), 1), Fixtures.KEEP_ALL);
        List<Path> places = DataPlace.candidates(store.openNewest(), NAMED);
        assertEquals(folder.resolve("data"), places.get(0));
        assertTrue(places.contains(folder.resolve("run/shards/web")), places.toString());
    }
}
