package org.longhaul.data.job;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/** Runs a stage part by part on Spark, leaving out the parts that an earlier run committed. */
final class Parts {
    private Parts() {}

    /** What is done with a part: everything it needs comes from the arguments, everything it gives goes to the stage's folder. */
    @FunctionalInterface
    interface Work extends Serializable {
        void run(Configuration conf, StageFolder stage, Part part, String digest) throws IOException;
    }

    /**
     * Brings all parts to completion.
     *
     * @param partitions number of tasks, 0 for one each
     * @param digests what goes into each part, by part number
     */
    static Map<Integer, StageFolder.Done> run(JavaSparkContext spark, String folder, List<Part> parts, Map<Integer, String> digests,
            int partitions, Status status, Work work) {
        Configuration conf = spark.hadoopConfiguration();
        StageFolder stage = new StageFolder(conf, folder);
        Map<Integer, StageFolder.Done> done = stage.done(digests);
        stage.clean(done);
        List<Part> todo = new ArrayList<>(parts);
        todo.removeIf(part -> done.containsKey(part.index()));
        status.parts(done.size(), todo.size());
        if (todo.isEmpty()) {
            return done;
        }
        // The largest first: a big file that starts last would keep everyone waiting.
        todo.sort(Comparator.comparingLong(Part::bytes).reversed().thenComparingInt(Part::index));
        SerializableConfiguration shared = new SerializableConfiguration(conf);
        Map<Integer, String> digestOf = Map.copyOf(digests);
        // Only numbers travel as data: parts go with the closure, which Java serialises whatever serialiser the site has set.
        List<Integer> numbers = todo.stream().map(Part::index).toList();
        spark.parallelize(new ArrayList<>(numbers), partitions > 0 ? Math.min(partitions, todo.size()) : todo.size()).foreach(number ->
                work.run(shared.value(), new StageFolder(shared.value(), folder), parts.get(number), digestOf.get(number)));
        Map<Integer, StageFolder.Done> all = stage.done(digests);
        if (all.size() != parts.size()) {
            throw new IllegalStateException("only " + all.size() + " of " + parts.size() + " parts were committed in " + folder);
        }
        return all;
    }
}
