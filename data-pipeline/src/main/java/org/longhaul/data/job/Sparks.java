package org.longhaul.data.job;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import org.longhaul.cli.JvmOptions;
import scala.Tuple2;

/** Starts Spark quietly: no web page, no banner, few partitions unless told otherwise. */
final class Sparks {
    private Sparks() {}

    static SparkSession start(DataConfig.SparkConfig config) {
        return SparkSession.builder().config(settings(config)).getOrCreate();
    }

    /** Hadoop's settings for what happens before Spark runs: the same file systems and credentials as in its tasks. */
    static Configuration hadoop(DataConfig.SparkConfig config) {
        Configuration hadoop = new Configuration();
        for (Tuple2<String, String> entry : settings(config).getAllWithPrefix("spark.hadoop.")) {
            hadoop.set(entry._1(), entry._2());
        }
        return hadoop;
    }

    private static SparkConf settings(DataConfig.SparkConfig config) {
        // Reads spark.* system properties, which is how spark-submit passes its settings.
        SparkConf conf = new SparkConf();
        conf.setIfMissing("spark.app.name", "longhaul data run");
        if (!config.master().isEmpty()) {
            conf.set("spark.master", config.master());
        }
        conf.setIfMissing("spark.master", "local[*]");
        boolean local = conf.get("spark.master").startsWith("local");
        Map<String, String> defaults = Map.of(
                "spark.ui.enabled", "false",
                "spark.ui.showConsoleProgress", "false",
                "spark.sql.shuffle.partitions", config.partitions() > 0 ? String.valueOf(config.partitions()) : local ? "32" : "400",
                "spark.sql.adaptive.enabled", "true",
                "spark.sql.session.timeZone", "UTC");
        defaults.forEach(conf::setIfMissing);
        conf.setIfMissing("spark.hadoop.fs.file.impl", org.apache.hadoop.fs.RawLocalFileSystem.class.getName());
        if (!local) {
            conf.setIfMissing("spark.executor.extraJavaOptions", String.join(" ", JvmOptions.forVersion(Runtime.version().feature())));
        } else {
            // A laptop's name often resolves to an address that it does not have.
            conf.setIfMissing("spark.driver.host", "localhost");
            conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
        }
        config.conf().forEach(conf::set);
        return conf;
    }
}
