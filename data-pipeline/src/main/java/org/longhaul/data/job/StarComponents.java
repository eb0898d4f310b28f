package org.longhaul.data.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.xxhash64;

import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;

/**
 * Connected components of more edges than the driver holds: alternating large-star and small-star (Kiveris et al.,
 * "Connected Components in MapReduce and Beyond", 2014). Every round is written out, so that plans stay short.
 */
final class StarComponents {
    private final SparkSession spark;
    private final Path folder;

    StarComponents(SparkSession spark, Path folder) {
        this.spark = spark;
        this.folder = folder;
    }

    /** Takes edges (id, root) of structs; answers (id, root) for every node, root the smallest id of its component. */
    Dataset<Row> run(Dataset<Row> edges) {
        Dataset<Row> now = edges.select(col("id").as("u"), col("root").as("v"));
        Row before = null;
        for (int round = 0; ; round++) {
            now = written(smallStar(largeStar(now)), round);
            Row state = now.agg(sum(xxhash64(col("u"), col("v")).cast(DataTypes.createDecimalType(38, 0)))).first();
            if (state.equals(before)) {
                break;
            }
            before = state;
        }
        Dataset<Row> leaves = now.select(col("u").as("id"), col("v").as("root"));
        return leaves.union(now.select(col("v").as("id"), col("v").as("root")).distinct());
    }

    /** Joins every larger neighbour of a node to the smallest of its neighbourhood. */
    private static Dataset<Row> largeStar(Dataset<Row> edges) {
        Dataset<Row> both = edges.select("u", "v").union(edges.select(col("v").as("u"), col("u").as("v")));
        Column smallest = least(col("u"), min(col("v")).over(Window.partitionBy("u")));
        return both.withColumn("m", smallest).filter(col("v").gt(col("u"))).select(col("v").as("u"), col("m").as("v")).distinct();
    }

    /** Joins every node and its smaller neighbours to the smallest of them. */
    private static Dataset<Row> smallStar(Dataset<Row> edges) {
        Dataset<Row> down = edges.filter(col("u").gt(col("v")));
        Dataset<Row> stars = down.withColumn("m", min(col("v")).over(Window.partitionBy("u")));
        return stars.select(col("u"), col("m").as("v"))
                .union(stars.filter(col("v").notEqual(col("m"))).select(col("v").as("u"), col("m").as("v")))
                .distinct();
    }

    private Dataset<Row> written(Dataset<Row> edges, int round) {
        String place = new Path(folder, "round-" + round).toString();
        edges.write().parquet(place);
        return spark.read().parquet(place);
    }
}
