package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.shards.ManifestFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardWriter;

/** What of a data set does not fit a job is said before anything starts, and nothing that was asked for is left out in silence. */
class TrainDataTest {
    @TempDir
    private Path folder;

    @Test
    void aSplitForValidationThatWasAskedForMustBeThere() throws IOException {
        write("train", "validation");
        assertTrue(open().validation().isPresent());
        refused("no split named valid to validate on, there are [train, validation]", "data.validation_split=valid", "validation.every=0");
    }

    @Test
    void aDataSetWithoutOneTrainsOnlyWhereNoneWasAskedFor() throws IOException {
        write("train");
        assertFalse(open("validation.every=0").validation().isPresent());
        refused("no split named validation to validate on, there are [train]; correct data.validation_split, or leave it out and set validation.every to 0",
                "validation.every=10");
    }

    @Test
    void aFolderThatIsNotThereNamesItsKey() {
        refused("data.path: " + folder.resolve("elsewhere") + ": no such folder; make shards with longhaul data run", "data.path=" + folder.resolve("elsewhere"));
    }

    @Test
    void anotherDataSetToValidateOn() throws IOException {
        write("train");
        Path fixed = Files.createDirectory(folder.resolve("fixed"));
        write(fixed, "f00d", "validation");
        TrainData both = open("validation.every=10", "validation.path=" + fixed);
        assertEquals(200, both.validation().orElseThrow().tokens());
        refused(fixed + ": no split named held to validate on, there are [validation]", "validation.path=" + fixed, "data.validation_split=held");
        refused("validation.path: " + folder.resolve("elsewhere") + ": no such folder", "validation.path=" + folder.resolve("elsewhere"));
        Path other = Files.createDirectory(folder.resolve("other"));
        write(other, "beef", "validation");
        refused("validation.path: " + other + " was made with another tokenizer than data.path: " + folder, "validation.path=" + other);
    }

    private TrainData open(String... overrides) {
        String[] all = new String[overrides.length + 1];
        all[0] = "data.path=" + folder;
        System.arraycopy(overrides, 0, all, 1, overrides.length);
        return TrainData.open(TrainerTest.config(folder.resolve("run"), all));
    }

    private void refused(String words, String... overrides) {
        UserError e = assertThrows(UserError.class, () -> open(overrides));
        assertEquals(ExitCode.BAD_INPUT, e.exitCode());
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }

    private void write(String... splits) throws IOException {
        write(folder, "f00d", splits);
    }

    private static void write(Path folder, String tokenizer, String... splits) throws IOException {
        Map<String, List<ShardManifest.Shard>> shards = new LinkedHashMap<>();
        Map<String, Double> entropy = new TreeMap<>();
        for (String split : splits) {
            ShardWriter writer = new ShardWriter(name -> Files.newOutputStream(folder.resolve(name)), split + "-00000", 96);
            writer.add(1, 2, "web", "en", 150, new int[200], 200);
            ShardWriter.Result result = writer.finish();
            shards.put(split, List.of(result.shard()));
            entropy.put(split, ShardManifest.entropy(result.tokenCounts()));
        }
        ShardManifest manifest = ShardManifest.of(96, OptionalInt.empty(), 0, ShardManifest.Tokenizer.nowhere(tokenizer), shards, entropy,
                new ShardManifest.Lineage("c0ffee", List.of(new ShardManifest.Input("web", "web.jsonl", 12)), new TreeMap<>()));
        Files.write(folder.resolve(ShardManifest.FILE), ManifestFile.toBytes(manifest));
    }
}
