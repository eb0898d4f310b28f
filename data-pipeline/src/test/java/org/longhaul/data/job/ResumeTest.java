package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.cli.InProcess;

/** Whatever subset of its committed parts a killed run leaves, the next one ends with the same bytes. */
class ResumeTest {
    @TempDir
    Path folder;

    @Test
    void anySubsetOfCommittedWorkWillDo() throws IOException {
        Path config = TinyCorpus.write(folder, 31);
        Path reference = folder.resolve("reference");
        String[] keep = {"output.keep_work=true", "spark.partitions=2"};
        run(config, reference, keep);
        Path out = folder.resolve("out");
        run(config, out, keep);
        for (long seed = 1; seed <= 4; seed++) {
            Random random = new Random(seed);
            Files.delete(out.resolve("manifest.json"));
            int lost = 0;
            for (Path file : files(out)) {
                boolean marker = file.getFileName().toString().matches("part-\\d+\\.json");
                boolean shard = file.getFileName().toString().endsWith(".arrow");
                if ((marker || shard) && random.nextInt(3) == 0) {
                    Files.delete(file);
                    lost++;
                } else if (shard && random.nextInt(4) == 0) {
                    // A shard that was being written when the process died.
                    Files.write(file, java.util.Arrays.copyOf(Files.readAllBytes(file), 100));
                }
            }
            // What an attempt leaves that was killed before its marker.
            Path attempt = Files.createDirectories(out.resolve("_work/documents/part-000000.dead0000"));
            Files.writeString(attempt.resolve("documents.parquet"), "PAR1 half a file");
            Files.writeString(out.resolve("_work/documents/.part-000000.json.tmp"), "{\"digest\":");
            InProcess.Result result = run(config, out, keep);
            assertTrue(lost == 0 || result.err().contains("taken from an earlier run"), result.err());
            assertTrue(Files.notExists(attempt), "the dead attempt must be removed");
            DeterminismTest.same(reference, out);
        }
    }

    @Test
    void aChangedRuleRepeatsOnlyTheInputsThatUseIt() throws IOException {
        Path config = TinyCorpus.write(folder, 32);
        Path out = folder.resolve("out");
        run(config, out, "output.keep_work=true");
        InProcess.Result changed = InProcess.run("data", "run", config.toString(), "output.dir=" + out, "output.keep_work=true", "--overwrite",
                "rules.chinese.quality.gopher_quality.unsegmented_min_words=140");
        assertEquals(0, changed.status(), changed.err());
        String documents = changed.err().lines().filter(line -> line.startsWith("[2/6] documents  ") && line.contains("pass the rules")).findFirst().orElseThrow();
        assertTrue(documents.contains("taken from an earlier run"), documents);
        Path fresh = folder.resolve("fresh");
        run(config, fresh, "rules.chinese.quality.gopher_quality.unsegmented_min_words=140");
        DeterminismTest.same(fresh, out);
    }

    private static InProcess.Result run(Path config, Path out, String... overrides) {
        List<String> args = new java.util.ArrayList<>(List.of("data", "run", config.toString(), "output.dir=" + out));
        args.addAll(List.of(overrides));
        InProcess.Result result = InProcess.run(args.toArray(String[]::new));
        assertEquals(0, result.status(), result.err());
        return result;
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
