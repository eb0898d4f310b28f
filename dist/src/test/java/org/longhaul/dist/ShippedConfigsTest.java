package org.longhaul.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.longhaul.config.ConfigLoader;
import org.longhaul.config.ConfigWriter;
import org.longhaul.data.job.DataConfig;
import org.longhaul.train.TrainConfig;

/** Every configuration that comes with Longhaul is accepted by the command it is for, and survives being written and read. */
class ShippedConfigsTest {
    private static final Path CONFIGS = Checkout.root().resolve("configs");

    /** All but the files for a cluster's own programs, which the trainer's ClusterFilesTest reads. */
    private static List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(CONFIGS)) {
            return all.filter(file -> file.toString().endsWith(".yaml") && !file.startsWith(CONFIGS.resolve("clusters"))).sorted().toList();
        }
    }

    @TestFactory
    List<DynamicTest> everyFileLoads() throws IOException {
        return files().stream().map(file -> DynamicTest.dynamicTest(CONFIGS.relativize(file).toString(), () -> {
            boolean pipeline = Files.readAllLines(file).stream().anyMatch(line -> line.startsWith("inputs:"));
            Class<? extends Record> type = pipeline ? DataConfig.class : TrainConfig.class;
            Record config = ConfigLoader.load(file, List.of(), type);
            assertEquals(config, ConfigLoader.parse(ConfigWriter.toYaml(config), "written", List.of(), type));
        })).toList();
    }

    @Test
    void theQuickstartsFilesAreAmongThem() throws IOException {
        assertTrue(files().containsAll(List.of(CONFIGS.resolve("quickstart/data.yaml"), CONFIGS.resolve("quickstart/train.yaml"))), files().toString());
    }
}
