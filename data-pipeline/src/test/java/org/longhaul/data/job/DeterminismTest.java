package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.shards.ShardSet;
import org.longhaul.shards.TokenSplit;

/** The same input gives the same bytes, however the work is cut and whichever way a stage is done. */
class DeterminismTest {
    @TempDir
    Path folder;

    @Test
    void partitionsAndWaysOfWorkingDoNotChangeTheShards() throws IOException {
        Path config = TinyCorpus.write(folder, 11);
        Path reference = run(config, "one", "spark.partitions=1");
        ShardSet set = ShardSet.open(reference);
        set.verify();
        assertTrue(set.split("train").documents() > 300, "train has " + set.split("train").documents());
        assertTrue(set.split("validation").documents() > 10, "validation has " + set.split("validation").documents());
        same(reference, run(config, "two", "spark.partitions=2"));
        same(reference, run(config, "four", "spark.partitions=4"));
        same(reference, run(config, "spark-1", "spark.partitions=1", "spark.driver_documents=0", "spark.driver_token_mib=0"));
        same(reference, run(config, "spark-4", "spark.partitions=4", "spark.driver_documents=0", "spark.driver_token_mib=0",
                "spark.bands_per_round=5", "spark.driver_edges=0"));
    }

    @Test
    void everyDocumentHasExactlyOneFate() throws IOException {
        Path config = TinyCorpus.write(folder, 12);
        Path out = run(config, "out");
        Report report = Report.read(out.toString());
        assertEquals(report.records, report.kept() + report.dropped());
        assertEquals(6 * 62 + 120 + 40, report.records);
        assertTrue(report.reasons().get("dedup / exact_duplicate") >= 30, report.reasons().toString());
        assertTrue(report.reasons().get("dedup / near_duplicate") >= 10, report.reasons().toString());
        assertTrue(report.reasons().get("remix / down_sampled") >= 5, report.reasons().toString());
        // Input a has weight 1.5: every document once or twice, about half of them twice.
        TokenSplit train = ShardSet.open(out).split("train");
        List<String> ids = new ArrayList<>();
        for (long d = 0; d < train.documents(); d++) {
            if (train.documentSource(d).equals("a")) {
                ids.add(train.documentId(d));
            }
        }
        double mean = ids.size() / (double) ids.stream().distinct().count();
        assertTrue(mean > 1.35 && mean < 1.65, "documents of weight 1.5 occur " + mean + " times");
        // Equal or similar documents never straddle: no validation text occurs in train, not even as a copy that was not removed.
        TokenSplit validation = ShardSet.open(out).split("validation");
        for (long d = 0; d < validation.documents(); d++) {
            assertTrue(!ids.contains(validation.documentId(d)), "document " + validation.documentId(d) + " is in both splits");
        }
    }

    private Path run(Path config, String name, String... overrides) {
        return TinyCorpus.run(config, folder.resolve(name), overrides);
    }

    /** Everything but the configuration as it was given and the times. */
    static void same(Path expected, Path found) throws IOException {
        List<String> names = outputs(expected);
        assertEquals(names, outputs(found));
        assertTrue(names.size() > 5, names.toString());
        for (String name : names) {
            assertEquals(-1, Files.mismatch(expected.resolve(name), found.resolve(name)), found.resolve(name) + " differs from " + expected.resolve(name));
        }
    }

    private static List<String> outputs(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".arrow") || name.equals("manifest.json") || name.equals("report.json") || name.startsWith("tokenizer"))
                    .sorted().toList();
        }
    }
}
