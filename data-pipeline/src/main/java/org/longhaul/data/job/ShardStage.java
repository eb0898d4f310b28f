package org.longhaul.data.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sequence;
import static org.apache.spark.sql.functions.udf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import java.util.zip.DataFormatException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.function.ForeachPartitionFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF3;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.util.SerializableConfiguration;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardWriter;
import org.longhaul.shards.TokenType;

/**
 * The global shuffle: every copy of a document gets a 64-bit place from (seed, id, copy); equal ranges of places are shards,
 * sorted by place. Where a document ends up depends on nothing else, so any number of tasks writes the same bytes.
 */
final class ShardStage {
    /** Shards of the run: numbers 0 … train − 1, then validation. */
    record Layout(int train, int validation, int vocabulary) implements Serializable {
        static Layout of(DataConfig config, long trainTokens, long validationTokens, int vocabulary) {
            long perShard = ((long) config.output().shardMib() << 20) / TokenType.forVocabulary(vocabulary).bytes();
            return new Layout((int) ((trainTokens + perShard - 1) / perShard), (int) ((validationTokens + perShard - 1) / perShard), vocabulary);
        }

        int shards() {
            return train + validation;
        }

        int shard(boolean held, long place) {
            return held ? train + Remix.bucket(place, validation) : Remix.bucket(place, train);
        }

        String split(int shard) {
            return shard < train ? "train" : "validation";
        }

        String name(int shard) {
            return String.format("%s-%05d", split(shard), shard < train ? shard : shard - train);
        }
    }

    /** A copy of a document on its way to its shard. */
    private record Item(int shard, long place, long idHigh, long idLow, int copy, String source, String language, long textBytes, byte[] ids) {
        /** Ascending unsigned place; ids and copy numbers decide ties. */
        static final Comparator<Item> ORDER = Comparator.comparingInt(Item::shard)
                .thenComparing(Item::place, Long::compareUnsigned)
                .thenComparingLong(Item::idHigh).thenComparingLong(Item::idLow).thenComparingInt(Item::copy);

        static Item of(Row row) {
            return new Item(row.getInt(0), 0, row.getLong(1), row.getLong(2), 0, row.getString(3), row.getString(4), row.getLong(5), row.getAs(6));
        }
    }

    private final SparkSession spark;
    private final Configuration conf;
    private final String folder;
    private final Layout layout;
    private final long seed;

    ShardStage(SparkSession spark, Configuration conf, String folder, Layout layout, long seed) {
        this.spark = spark;
        this.conf = conf;
        this.folder = folder;
        this.layout = layout;
        this.seed = seed;
    }

    /** Writes the shards that are not committed yet. */
    Map<Integer, StageFolder.Done> run(List<String> tokenFiles, String digest, int partitions, boolean inDriver, Store output, Status status) {
        StageFolder stage = new StageFolder(conf, folder);
        Map<Integer, String> wanted = new TreeMap<>();
        for (int i = 0; i < layout.shards(); i++) {
            wanted.put(i, Json.digest(digest, layout.toString(), String.valueOf(i)));
        }
        Map<Integer, StageFolder.Done> done = stage.done(wanted);
        done.values().removeIf(shard -> !complete(shard, output));
        stage.clean(done);
        status.parts(done.size(), layout.shards() - done.size());
        List<Integer> todo = new ArrayList<>(wanted.keySet());
        todo.removeAll(done.keySet());
        if (todo.isEmpty()) {
            return done;
        }
        if (inDriver) {
            writeShards(items(tokenFiles, todo).iterator(), conf, folder, layout, wanted, List.of());
        } else {
            write(tokenFiles, wanted, todo, partitions);
        }
        Map<Integer, StageFolder.Done> all = stage.done(wanted);
        for (int shard : todo) {
            if (!all.containsKey(shard)) {
                // No document's place fell into its range: possible with few documents, and a legal shard.
                writeShards(List.<Item>of().iterator(), conf, folder, layout, wanted, List.of(shard));
            }
        }
        return stage.done(wanted);
    }

    /** Whether all files of a committed shard are still where they were written, or already under their final names. */
    private static boolean complete(StageFolder.Done done, Store output) {
        ShardManifest.Shard shard = entry(done.stats());
        for (ShardManifest.DataFile file : shard.files()) {
            try {
                Path place = output.fs().exists(done.file(file.name())) ? done.file(file.name()) : output.path(file.name());
                if (!output.fs().exists(place) || output.fs().getFileStatus(place).getLen() != file.bytes()) {
                    return false;
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
        return true;
    }

    /** The same rows in the same order as Spark's, for data that the driver's memory holds. */
    private List<Item> items(List<String> tokenFiles, List<Integer> todo) {
        List<Item> items = new ArrayList<>();
        try {
            for (String file : tokenFiles) {
                Rows.read(conf, new Path(file), Tables.TOKENS, row -> {
                    for (int copy = 0; copy < row.getInteger("copies", 0); copy++) {
                        long place = Remix.order(seed, copy, row.getLong("id_high", 0), row.getLong("id_low", 0));
                        int shard = layout.shard(row.getBoolean("validation", 0), place);
                        if (todo.contains(shard)) {
                            items.add(new Item(shard, place, row.getLong("id_high", 0), row.getLong("id_low", 0), copy, row.getString("source", 0),
                                    row.getString("language", 0), row.getLong("text_bytes", 0), row.getBinary("ids", 0).getBytes()));
                        }
                    }
                });
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        items.sort(Item.ORDER);
        return items;
    }

    private void write(List<String> tokenFiles, Map<Integer, String> wanted, List<Integer> todo, int partitions) {
        long runSeed = seed;
        Layout plan = layout;
        UserDefinedFunction order = udf((UDF3<Integer, Long, Long, Long>) (copy, high, low) -> Remix.order(runSeed, copy, high, low), DataTypes.LongType);
        UserDefinedFunction shard = udf((UDF2<Boolean, Long, Integer>) (validation, place) -> plan.shard(validation, place),
                DataTypes.IntegerType);
        // Spark compares signed numbers: flipping the top bit gives the unsigned order.
        Column unsigned = col("place").bitwiseXOR(lit(Long.MIN_VALUE));
        int tasks = Math.max(1, partitions > 0 ? Math.min(partitions, todo.size()) : todo.size());
        Map<Integer, Integer> taskOf = new TreeMap<>();
        for (int i = 0; i < todo.size(); i++) {
            taskOf.put(todo.get(i), (int) ((long) i * tasks / todo.size()));
        }
        UserDefinedFunction task = udf((org.apache.spark.sql.api.java.UDF1<Integer, Integer>) taskOf::get, DataTypes.IntegerType);
        Dataset<Row> rows = spark.read().parquet(tokenFiles.toArray(String[]::new))
                .withColumn("copy", explode(sequence(lit(0), col("copies").minus(1))))
                .withColumn("place", order.apply(col("copy"), col("id_high"), col("id_low")))
                .withColumn("shard", shard.apply(col("validation"), col("place")))
                .filter(col("shard").isInCollection(todo))
                .withColumn("place", unsigned)
                .repartitionById(tasks, task.apply(col("shard")))
                .sortWithinPartitions("shard", "place", "id_high", "id_low", "copy")
                .select("shard", "id_high", "id_low", "source", "language", "text_bytes", "ids");
        SerializableConfiguration shared = new SerializableConfiguration(conf);
        String place = folder;
        rows.foreachPartition((ForeachPartitionFunction<Row>) iterator -> writeShards(items(iterator), shared.value(), place, plan, wanted, List.of()));
    }

    private static Iterator<Item> items(Iterator<Row> rows) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public Item next() {
                return Item.of(rows.next());
            }
        };
    }

    /** Writes the shards of sorted copies, and the empty ones named. */
    private static void writeShards(Iterator<Item> items, Configuration conf, String folder, Layout layout, Map<Integer, String> digests,
            List<Integer> empty) {
        StageFolder stage = new StageFolder(conf, folder);
        ShardInProgress current = null;
        try {
            for (int shard : empty) {
                new ShardInProgress(conf, stage, layout, shard).commit(digests.get(shard));
            }
            while (items.hasNext()) {
                Item item = items.next();
                int shard = item.shard;
                if (current == null || current.shard != shard) {
                    if (current != null) {
                        current.commit(digests.get(current.shard));
                    }
                    current = new ShardInProgress(conf, stage, layout, shard);
                }
                current.add(item);
                Live.DOCUMENTS.increment();
            }
            if (current != null) {
                current.commit(digests.get(current.shard));
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** One shard being written. */
    private static final class ShardInProgress {
        private final StageFolder stage;
        private final int shard;
        private final Path folder;
        private final ShardWriter writer;
        private final TokenType type;
        private int[] ids = new int[1 << 12];

        ShardInProgress(Configuration conf, StageFolder stage, Layout layout, int shard) throws IOException {
            this.stage = stage;
            this.shard = shard;
            this.folder = stage.begin(shard);
            this.type = TokenType.forVocabulary(layout.vocabulary);
            this.writer = new ShardWriter(name -> {
                Path file = new Path(folder, name);
                return file.getFileSystem(conf).create(file, true);
            }, layout.name(shard), layout.vocabulary);
        }

        void add(Item item) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(item.ids).order(ByteOrder.LITTLE_ENDIAN);
            int count = bytes.remaining() / type.bytes();
            if (ids.length < count) {
                ids = new int[count * 2];
            }
            for (int i = 0; i < count; i++) {
                ids[i] = type == TokenType.UINT16 ? bytes.getShort() & 0xFFFF : bytes.getInt();
            }
            writer.add(item.idHigh, item.idLow, item.source, item.language, item.textBytes, ids, count);
        }

        void commit(String digest) throws IOException {
            ShardWriter.Result result = writer.finish();
            ObjectNode stats = Json.MAPPER.createObjectNode();
            stats.set("shard", Json.MAPPER.valueToTree(result.shard()));
            stats.put("token_counts", pack(result.tokenCounts()));
            stage.commit(shard, folder, digest, stats);
        }
    }

    /** Frequencies of the ids, compressed, for the marker of a shard. */
    private static String pack(long[] counts) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * counts.length);
        for (long count : counts) {
            bytes.putLong(count);
        }
        Deflater deflater = new Deflater();
        deflater.setInput(bytes.array());
        deflater.finish();
        byte[] packed = new byte[bytes.capacity() + 1024 + bytes.capacity() / 100];
        int length = deflater.deflate(packed);
        deflater.end();
        return Base64.getEncoder().encodeToString(java.util.Arrays.copyOf(packed, length));
    }

    /** Adds the frequencies in a shard's marker to {@code sums}. */
    static void addTokenCounts(JsonNode stats, long[] sums) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * sums.length);
        Inflater inflater = new Inflater();
        inflater.setInput(Base64.getDecoder().decode(stats.path("token_counts").asText()));
        try {
            inflater.inflate(bytes.array());
        } catch (DataFormatException e) {
            throw new IllegalStateException("damaged token counts in the marker of a shard", e);
        } finally {
            inflater.end();
        }
        for (int i = 0; i < sums.length; i++) {
            sums[i] += bytes.getLong();
        }
    }

    /** The manifest entry in a shard's marker. */
    static ShardManifest.Shard entry(JsonNode stats) {
        return Json.convert(stats.path("shard"), ShardManifest.Shard.class);
    }
}
