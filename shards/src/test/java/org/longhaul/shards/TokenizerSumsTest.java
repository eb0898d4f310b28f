package org.longhaul.shards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardManifest.DataFile;

/** The tokenizer beside the shards is held against the manifest by who reads it and by a reading of all files. */
class TokenizerSumsTest {
    private static final byte[] JSON = "{\"model\": {}}".getBytes();
    private static final byte[] SETTINGS = "{\"bos_token\": \"begin\"}".getBytes();

    @TempDir
    private Path folder;

    private Path file;
    private Path settings;

    @BeforeEach
    void write() throws IOException {
        EqualShards.write(folder, 1);
        file = Files.write(folder.resolve("tokenizer.json"), JSON);
        settings = Files.write(folder.resolve("tokenizer_config.json"), SETTINGS);
        EqualShards.tokenizer(folder, new ShardManifest.Tokenizer("f00d", "tokenizer.json",
                List.of(DataFile.of("tokenizer.json", JSON), DataFile.of("tokenizer_config.json", SETTINGS))));
    }

    @Test
    void aDamagedFileIsNamedByWhoReadsItAndByAReadingOfAll() throws IOException {
        assertEquals(Optional.empty(), TokenizerSums.require(file));
        ShardSet.open(folder).verify();
        for (Path damaged : List.of(file, settings)) {
            DamagedReadTest.flip(damaged, 3, 2);
            UserError error = assertThrows(UserError.class, () -> TokenizerSums.require(file));
            assertEquals(2, error.exitCode().status());
            assertTrue(error.getMessage().startsWith(damaged + ": has the checksum "), error.getMessage());
            List<String> damage = ShardSet.open(folder).damage();
            assertEquals(1, damage.size(), damage.toString());
            assertTrue(damage.get(0).startsWith(damaged + ": checksum does not match in bytes 0–"), damage.toString());
            DamagedReadTest.flip(damaged, 3, 2);
        }
        Files.delete(settings);
        assertEquals(settings + ": cannot be read: " + settings + ": no such file or folder; copy the file again",
                assertThrows(UserError.class, () -> TokenizerSums.require(file)).getMessage());
        assertTrue(ShardSet.open(folder).damage().get(0).startsWith(settings + ": file is missing"));
    }

    @Test
    void trainingNeedsNoTokenizer() throws IOException {
        Files.delete(file);
        assertEquals(60_000, ShardSet.open(folder).split("train").tokens());
    }

    @Test
    void aTokenizerOfNoDataSetPasses() throws IOException {
        Path alone = Files.write(Files.createDirectories(folder.resolve("alone")).resolve("tokenizer.json"), JSON);
        assertEquals(Optional.empty(), TokenizerSums.require(alone));
        assertEquals(Optional.empty(), TokenizerSums.require(Files.write(folder.resolve("mine.json"), JSON)));
    }

    @Test
    void anOldDataSetSaysSoAndGetsThemLater() throws IOException {
        byte[] manifest = Files.readAllBytes(folder.resolve("manifest.json"));
        EqualShards.makeOld(folder, 2);
        assertTrue(TokenizerSums.require(file).orElseThrow().startsWith(file + ": not held against a checksum: "));
        PageSumAdder adder = PageSumAdder.open(folder);
        assertTrue(adder.tokenizer());
        UserError error = assertThrows(UserError.class, () -> adder.add(1, n -> {}, f -> "beef"));
        assertTrue(error.getMessage().startsWith(file + ": is a tokenizer with the fingerprint beef, the manifest says f00d"), error.getMessage());
        adder.add(1, n -> {}, f -> "f00d");
        assertEquals(new String(manifest), Files.readString(folder.resolve("manifest.json")));
        assertFalse(PageSumAdder.open(folder).tokenizer());
    }
}
