package org.longhaul.data.job;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.MessageType;

/** Parquet files written and read by a single task, which Spark reads as tables. */
final class Rows {
    private Rows() {}

    /** A file being written. */
    static final class Writer implements Closeable {
        private final ParquetWriter<Group> out;
        private final MessageType schema;

        Writer(Configuration conf, Path file, MessageType schema) throws IOException {
            this.schema = schema;
            this.out = ExampleParquetWriter.builder(file)
                    .withConf(conf)
                    .withType(schema)
                    .withCompressionCodec(CompressionCodecName.ZSTD)
                    // Small row groups: a task holds one of them in memory for each of its files.
                    .withRowGroupSize(16L << 20)
                    .build();
        }

        Group row() {
            return new SimpleGroup(schema);
        }

        void write(Group row) throws IOException {
            out.write(row);
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }

    /** What is done with every row. */
    @FunctionalInterface
    interface Each {
        void accept(Group row) throws IOException;
    }

    /** Reads the columns of {@code wanted}, in file order. */
    static void read(Configuration conf, Path file, MessageType wanted, Each consumer) throws IOException {
        Configuration own = new Configuration(conf);
        own.set(ReadSupport.PARQUET_READ_SCHEMA, wanted.toString());
        try (ParquetReader<Group> reader = ParquetReader.builder(new GroupReadSupport(), file).withConf(own).build()) {
            for (Group row = reader.read(); row != null; row = reader.read()) {
                consumer.accept(row);
            }
        }
    }
}
