package org.longhaul.data.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.negate;
import static org.apache.spark.sql.functions.posexplode;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.udf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.expressions.WindowSpec;
import org.apache.spark.sql.types.DataTypes;
import org.longhaul.data.dedup.DedupSettings;
import org.longhaul.data.dedup.MinHashSettings;
import org.longhaul.data.dedup.MinHasher;

/**
 * Finds duplicates among all inputs together. It moves ids and digests only; the outcome is a small table per part that
 * says which rows fall and how large the cluster of a surviving row was.
 *
 * <p>Exact: equal digests of normalised text. Near: documents with an equal MinHash band are joined by star edges to the
 * smallest id of the band's bucket (k − 1 edges for k documents, never all pairs); connected components are clusters.
 * Survivor of a group: best source, then longest, then smallest id.
 */
final class DedupStage {
    static final String FILE = "duplicates";
    static final String EXACT = "exact_duplicate";
    static final String NEAR = "near_duplicate";

    private final SparkSession spark;
    private final Configuration conf;
    private final DedupSettings config;
    private final DataConfig.SparkConfig limits;
    private final StageFolder stage;

    DedupStage(SparkSession spark, Configuration conf, DataConfig config, StageFolder stage) {
        this.spark = spark;
        this.conf = conf;
        this.config = config.dedup();
        this.limits = config.spark();
        this.stage = stage;
    }

    /** Does the work and commits it as part 0; {@code rows} is the number of documents. */
    StageFolder.Done run(List<String> documentFiles, long rows, String digest) throws IOException {
        Map<Integer, StageFolder.Done> done = stage.done(Map.of(0, digest));
        if (!done.isEmpty()) {
            return done.get(0);
        }
        stage.clean(done);
        Path folder = stage.begin(0);
        if (rows <= limits.driverDocuments() && config.verifySimilarity() == 0) {
            return stage.commit(0, folder, digest, new LocalDedup(conf, config, (int) rows).run(documentFiles, new Path(folder, FILE)));
        }
        Dataset<Row> documents = spark.read().parquet(documentFiles.toArray(String[]::new))
                .select("id_high", "id_low", "part", "row", "rank", "length", "exact_high", "exact_low", "bands");
        ObjectNode stats = Json.MAPPER.createObjectNode();
        Dataset<Row> duplicates = null;
        Dataset<Row> survivors = documents;
        if (config.exact()) {
            Path exact = new Path(folder, "exact");
            exact(documents).write().parquet(exact.toString());
            duplicates = spark.read().parquet(exact.toString());
            survivors = documents.join(duplicates.filter("not keep").select("part", "row"),
                    scala("part", "row"), "left_anti");
            stats.put("exact_clusters", duplicates.filter("keep").count());
        }
        if (config.near()) {
            Dataset<Row> near = near(survivors, documentFiles, folder, stats);
            duplicates = duplicates == null ? near : duplicates.union(near);
        }
        if (duplicates != null) {
            duplicates.repartition(col("part")).sortWithinPartitions("part", "row", "keep")
                    .write().partitionBy("part").parquet(new Path(folder, FILE).toString());
        }
        return stage.commit(0, folder, digest, stats);
    }

    private static scala.collection.immutable.Seq<String> scala(String... names) {
        return scala.jdk.javaapi.CollectionConverters.asScala(List.of(names)).toSeq();
    }

    /**
     * Ascending order of this puts the survivor first: best source, then longest text, then smallest id, which makes the choice
     * independent of timing and partitioning. Spark compares signed numbers, so the top bits of ids are flipped. Part and row tell
     * records with equal ids apart.
     */
    private static Column rank() {
        return struct(col("rank"), negate(col("length")).as("shortness"), col("id_high").bitwiseXOR(lit(Long.MIN_VALUE)).as("unsigned_high"),
                col("id_low").bitwiseXOR(lit(Long.MIN_VALUE)).as("unsigned_low"), col("part"), col("row"), col("id_high"), col("id_low"));
    }

    private static Dataset<Row> marked(Dataset<Row> members, String reason) {
        return members.select(
                col("part"), col("row"), col("id_high"), col("id_low"),
                col("part").equalTo(col("keeper.part")).and(col("row").equalTo(col("keeper.row"))).as("keep"),
                lit(reason).as("reason"),
                col("keeper.id_high").as("keeper_high"), col("keeper.id_low").as("keeper_low"),
                col("n").as("cluster_size"));
    }

    private static Dataset<Row> exact(Dataset<Row> documents) {
        Dataset<Row> groups = documents.groupBy("exact_high", "exact_low")
                .agg(min(rank()).as("keeper"), count(lit(1)).as("n"))
                .filter("n > 1");
        return marked(documents.drop("bands").join(groups, scala("exact_high", "exact_low"), "inner"), EXACT);
    }

    private Dataset<Row> near(Dataset<Row> survivors, List<String> documentFiles, Path folder, ObjectNode stats) throws IOException {
        int bands = config.minhash().bands();
        int each = limits.bandsPerRound() == 0 ? bands : Math.min(bands, limits.bandsPerRound());
        List<String> rounds = new ArrayList<>();
        for (int from = 0; from < bands; from += each) {
            String round = new Path(folder, "edges/" + from).toString();
            edges(survivors, from, Math.min(bands, from + each)).write().parquet(round);
            rounds.add(round);
        }
        Dataset<Row> candidates = spark.read().parquet(rounds.toArray(String[]::new)).distinct();
        stats.put("candidates", candidates.count());
        Dataset<Row> edges = candidates;
        if (config.verifySimilarity() > 0) {
            String verified = new Path(folder, "verified").toString();
            verify(candidates, documentFiles).write().parquet(verified);
            edges = spark.read().parquet(verified);
        }
        long pairs = edges.count();
        stats.put("pairs", pairs);
        Path clusters = new Path(folder, "clusters.parquet");
        if (pairs <= limits.driverEdges()) {
            inDriver(edges, clusters);
        } else {
            new StarComponents(spark, new Path(folder, "components")).run(edges)
                    .select(col("id.high").as("id_high"), col("id.low").as("id_low"), col("root.high").as("root_high"), col("root.low").as("root_low"))
                    .write().parquet(clusters.toString());
        }
        Dataset<Row> members = survivors.drop("bands")
                .join(spark.read().parquet(clusters.toString()), scala("id_high", "id_low"), "inner");
        Dataset<Row> groups = members.groupBy("root_high", "root_low").agg(min(rank()).as("keeper"), count(lit(1)).as("n"));
        Dataset<Row> near = marked(members.join(groups, scala("root_high", "root_low"), "inner"), NEAR);
        stats.put("near_clusters", groups.filter("n > 1").count());
        return near.filter("cluster_size > 1");
    }

    /** Star edges of the buckets of bands [from, to): from every document to the smallest id of its bucket. */
    private static Dataset<Row> edges(Dataset<Row> survivors, int from, int to) {
        UserDefinedFunction unpack = udf((UDF1<byte[], long[]>) DedupStage::unpack, DataTypes.createArrayType(DataTypes.LongType, false));
        WindowSpec bucket = Window.partitionBy("band", "digest");
        return survivors
                .select(struct(col("id_high").as("high"), col("id_low").as("low")).as("id"), posexplode(unpack.apply(col("bands"))).as(new String[] {"band", "digest"}))
                .filter(col("band").geq(from).and(col("band").lt(to)))
                .withColumn("root", min(col("id")).over(bucket))
                .filter(col("id").notEqual(col("root")))
                .select("id", "root")
                .distinct();
    }

    /** Pairs whose texts share enough shingles; the only place where dedup reads text, and that of candidates alone. */
    private Dataset<Row> verify(Dataset<Row> candidates, List<String> documentFiles) {
        Dataset<Row> texts = spark.read().parquet(documentFiles.toArray(String[]::new))
                .select(struct(col("id_high").as("high"), col("id_low").as("low")).as("node"), col("text"))
                .join(candidates.select(col("id").as("node")).union(candidates.select(col("root").as("node"))).distinct(), scala("node"), "left_semi")
                // Records with equal ids have equal texts.
                .dropDuplicates("node");
        MinHashSettings settings = config.minhash();
        UserDefinedFunction similarity = udf((UDF2<String, String, Double>) (a, b) -> {
            MinHasher hasher = new MinHasher(settings);
            return MinHasher.similarity(hasher.shingles(a), hasher.shingles(b));
        }, DataTypes.DoubleType);
        return candidates
                .join(texts.select(col("node").as("id"), col("text").as("a")), scala("id"), "inner")
                .join(texts.select(col("node").as("root"), col("text").as("b")), scala("root"), "inner")
                .filter(similarity.apply(col("a"), col("b")).geq(config.verifySimilarity()))
                .select("id", "root");
    }

    private static long[] unpack(byte[] bands) {
        LongBuffer longs = ByteBuffer.wrap(bands).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        long[] values = new long[longs.remaining()];
        longs.get(values);
        return values;
    }

    private void inDriver(Dataset<Row> edges, Path file) throws IOException {
        UnionFind clusters = new UnionFind();
        Iterator<Row> rows = edges.select("id.high", "id.low", "root.high", "root.low").toLocalIterator();
        while (rows.hasNext()) {
            Row row = rows.next();
            clusters.pair(row.getLong(0), row.getLong(1), row.getLong(2), row.getLong(3));
        }
        try (Rows.Writer out = new Rows.Writer(conf, file, Tables.CLUSTERS)) {
            clusters.members(member -> {
                Group row = out.row();
                row.append("id_high", member.high()).append("id_low", member.low())
                        .append("root_high", member.rootHigh()).append("root_low", member.rootLow());
                try {
                    out.write(row);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
        }
    }
}
