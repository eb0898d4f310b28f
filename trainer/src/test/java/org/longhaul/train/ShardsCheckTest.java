package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.S3Server;
import org.longhaul.config.ConfigWriter;
import org.longhaul.doctor.Finding;
import org.longhaul.doctor.Finding.Level;
import org.longhaul.doctor.Verification;

/** Data sets in folders, on HDFS and in an object store, read whole. */
class ShardsCheckTest {
    @TempDir
    private Path folder;

    private Path shards;

    @BeforeEach
    void write() throws IOException {
        shards = TestShards.write(folder.resolve("shards"), 50_000);
    }

    private List<Finding> verify(Optional<Path> config, List<String> overrides, String... places) {
        return new ShardsCheck().verify(new Verification(config, overrides, List.of(places), 3));
    }

    private List<Finding> verify(String place) {
        return verify(Optional.empty(), List.of(), place);
    }

    private Path job(String... overrides) throws IOException {
        return Files.writeString(folder.resolve("job.yaml"), ConfigWriter.toYaml(TrainerTest.config(folder.resolve("run"), overrides)));
    }

    @Test
    void theJobsDataSetAndThoseBesideAreReadWithAllTheirSplits() throws IOException {
        Path other = TestShards.write(folder.resolve("stage-2"), 30_000);
        List<Finding> found = verify(Optional.of(job("data.path=" + shards)), List.of(), other.toString(), shards.toString());
        assertEquals(List.of(Level.OK, Level.OK), found.stream().map(Finding::level).toList(), found.toString());
        assertTrue(found.get(0).detail().startsWith(shards + ": train of 50,000 tokens in 1 shards, validation of 2,000 tokens in 1 shards; 8 files, "), found.toString());
        assertTrue(found.get(0).detail().matches(".*every checksum matches \\([0-9.]+ [MG]B/s with 3 threads\\)"), found.toString());
        assertTrue(found.get(1).detail().startsWith(other + ": "), found.toString());

        Path damaged = other.resolve("validation-00000.documents.arrow");
        TestShards.flip(damaged, 700);
        Finding bad = verify(Optional.of(job("data.path=none")), List.of("data.path=" + other)).get(0);
        assertEquals(Level.BAD, bad.level());
        assertTrue(bad.detail().startsWith(damaged + ": checksum does not match in bytes 0–"), bad.toString());
        assertTrue(bad.detail().contains("found ") && bad.detail().contains("the manifest says "), bad.toString());
        assertEquals("copy the file again", bad.mend());
        assertEquals(2, verify(Optional.of(job("data.path=" + shards, "validation.path=" + other)), List.of()).size(), "what it validates on is read too");
    }

    @Test
    void whatIsNotThereIsSaid() throws IOException {
        Finding absent = verify(folder.resolve("none").toString()).get(0);
        assertEquals(Level.BAD, absent.level());
        assertTrue(absent.detail().contains("none/manifest.json: file is missing"), absent.toString());
        Finding unknown = verify("nosuch://bucket/shards").get(0);
        assertEquals(Level.FAIL, unknown.level());
        assertTrue(unknown.detail().contains("nosuch://bucket/shards"), unknown.toString());
        Finding job = verify(Optional.of(Files.writeString(folder.resolve("bad.yaml"), "steps: many\n")), List.of()).get(0);
        assertEquals(Level.BAD, job.level());
    }

    @Test
    void onHdfs() throws IOException {
        Configuration conf = new Configuration();
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
        try (MiniDFSCluster hdfs = new MiniDFSCluster.Builder(conf).numDataNodes(1).build()) {
            remote(hdfs.getURI() + "/data/shards");
        }
    }

    @Test
    void onS3() throws IOException {
        try (S3Server s3 = new S3Server()) {
            System.setProperty("longhaul.test.s3", s3.endpoint());
            remote("s3a://bucket/data/shards");
        } finally {
            System.clearProperty("longhaul.test.s3");
        }
    }

    private void remote(String uri) throws IOException {
        copy(uri);
        Finding whole = verify(uri).get(0);
        assertEquals(Level.OK, whole.level(), whole.toString());
        assertTrue(whole.detail().startsWith(uri + ": train of 50,000 tokens"), whole.toString());
        TestShards.flip(shards.resolve("train-00000.tokens.arrow"), 4_000);
        copy(uri);
        Finding bad = verify(uri).get(0);
        assertEquals(Level.BAD, bad.level(), bad.toString());
        assertTrue(bad.detail().startsWith(uri + "/train-00000.tokens.arrow: checksum does not match in bytes 0–"), bad.toString());
        try (FileSystem fs = FileSystem.newInstance(URI.create(uri), new Configuration())) {
            fs.delete(new org.apache.hadoop.fs.Path(uri, "train-00000.tokens.arrow"), false);
        }
        Finding gone = verify(uri).get(0);
        assertEquals(Level.BAD, gone.level(), gone.toString());
        assertTrue(gone.detail().startsWith(uri + "/train-00000.tokens.arrow: file is missing, the manifest says "), gone.toString());
    }

    private void copy(String uri) throws IOException {
        try (FileSystem fs = FileSystem.newInstance(URI.create(uri), new Configuration()); var files = Files.list(shards)) {
            for (Path file : files.toList()) {
                try (var out = fs.create(new org.apache.hadoop.fs.Path(uri, file.getFileName().toString()), true)) {
                    Files.copy(file, out);
                }
            }
        }
    }

    @Test
    void progressSaysHowFarHowFastAndHowLong() {
        assertEquals("1.00 GiB of 4.00 GiB, 537 MB/s, 6.0 s left", ShardsCheck.far(1L << 30, 4L << 30, 2_000_000_000L));
    }
}
