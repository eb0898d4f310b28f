package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.config.ConfigWriter;
import org.longhaul.doctor.Finding;
import org.longhaul.doctor.Finding.Level;

/** What the doctor says about the places that a job names. */
class PlacesCheckTest {
    @TempDir
    private Path folder;

    private Map<String, Finding> look(String... overrides) throws IOException {
        Path file = folder.resolve("job.yaml");
        Files.writeString(file, ConfigWriter.toYaml(TrainerTest.config(folder.resolve("a/b/run"), overrides)));
        return new PlacesCheck().look(file, List.of()).stream().collect(Collectors.toMap(Finding::subject, Function.identity()));
    }

    @Test
    void aLocalPlaceIsTriedAndLeftAsItWas() throws IOException {
        Map<String, Finding> found = look();
        assertEquals(Level.OK, found.get("checkpoints").level(), found.toString());
        assertTrue(found.get("checkpoints").detail().contains("renames, deletes"), found.toString());
        assertEquals(Level.OK, found.get("room").level(), found.toString());
        // 24,736 parameters at 12 bytes, two ephemeral, the last step's and one being written.
        assertTrue(found.get("room").detail().startsWith("checkpoints take at most 1.1 MiB: 2 ephemeral, 1 permanent by the end, one being written"), found.toString());
        assertEquals("data.path: none: no such folder in " + Path.of("").toAbsolutePath() + ", where this was started", found.get("data").detail());
        assertTrue(found.get("data").mend().contains("longhaul data run"), found.toString());
        assertFalse(Files.exists(folder.resolve("a")), "folders that were not there are not there");
    }

    @Test
    void whatIsInTheWayIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        Finding found = look("checkpoint.path=" + file + "/checkpoints").get("checkpoints");
        assertEquals(Level.FAIL, found.level());
        assertTrue(found.detail().startsWith("cannot make a folder in " + file + "/checkpoints: "), found.toString());
        assertEquals("in the way", Files.readString(file));
    }

    @Test
    void tooLittleRoomIsSaid() throws IOException {
        Finding room = look("steps=2000000000", "checkpoint.retention.permanent_every=1").get("room");
        assertEquals(Level.WARN, room.level(), room.toString());
        assertTrue(room.detail().contains("2,000,000,000 permanent by the end"), room.toString());
        assertTrue(room.mend().contains("keep_permanent"), room.toString());
    }

    @Test
    void storesThatNobodyKnowsAndStartsThatAreNotThereSayWhatToDo() throws IOException {
        Map<String, Finding> found = look("checkpoint.path=nosuch://bucket/run", "checkpoint.init_from=" + folder.resolve("none"));
        assertEquals(Level.FAIL, found.get("checkpoints").level());
        assertTrue(found.get("checkpoints").mend().startsWith("put the jars of Hadoop's file system for nosuch://"), found.toString());
        assertEquals(Level.OK, found.get("output").level());
        assertEquals(Level.FAIL, found.get("init_from").level(), found.toString());
    }

    /** A job for GPUs is not ready where there is none; one for the CPU asks for none. */
    @Test
    void aGpuThatTheJobWantsIsLookedFor() throws IOException {
        assertFalse(look().containsKey("device"));
        Finding device = look("device.kind=cuda").get("device");
        if (device.level() == Level.FAIL) {
            assertTrue(device.detail().startsWith("device.kind is cuda: "), device.toString());
            assertTrue(device.mend().endsWith("or set device.kind to cpu"), device.toString());
        } else {
            assertTrue(device.detail().matches("device.kind is cuda, this process sees [1-9].*"), device.toString());
        }
    }

    @Test
    void whatAFaultCostsIsSaid() {
        assertEquals("at most 5 min of work, while a save takes less than about a third of that", promise("{}"));
        assertEquals("at most 100.0 s of work and 20 steps, for which training waits where storage is too slow",
                promise("{ephemeral_every: 100s, ephemeral_steps: 20, strict: true}"));
        assertTrue(promise("{ephemeral_every: 0s, permanent_every: 1000}").startsWith("1,000 steps and those taken while a save is written"));
        assertTrue(promise("{ephemeral_every: 0s}").startsWith("everything since the start"));
    }

    private String promise(String retention) {
        return CheckpointSpace.promise(TrainerTest.config(folder, "checkpoint.retention=" + retention).checkpoint().retention());
    }

    @Test
    void theRoomIsThatOfTheRules() {
        CheckpointSpace space = CheckpointSpace.of(TrainerTest.config(folder, "steps=100", "checkpoint.retention={permanent_every: 10, keep_ephemeral: 3}"));
        assertEquals(new CheckpointSpace(24_736L * 12, 3, 10), space);
        assertEquals(24_736L * 12 * 14, space.most());
        CheckpointSpace few = CheckpointSpace.of(TrainerTest.config(folder, "steps=100", "optimizer.moments=bf16",
                "checkpoint.retention={permanent_every: 10, keep_permanent: 2, ephemeral_every: 0s}"));
        assertEquals(new CheckpointSpace(24_736L * 8, 0, 2), few);
    }
}
