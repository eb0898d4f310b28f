package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.S3Server;

/** A run whose checkpoints lie on HDFS or S3 is paused, goes on, and ends as the one on a local disk does. */
class RemoteRunTest {
    @TempDir
    private Path folder;

    @Test
    void onHdfs() throws IOException {
        Configuration conf = new Configuration();
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
        try (MiniDFSCluster hdfs = new MiniDFSCluster.Builder(conf).numDataNodes(1).build()) {
            pausedAndResumed(hdfs.getURI() + "/run/checkpoints");
        }
    }

    @Test
    void onS3() throws IOException {
        try (S3Server s3 = new S3Server()) {
            System.setProperty("longhaul.test.s3", s3.endpoint());
            pausedAndResumed("s3a://bucket/run/checkpoints");
            assertTrue(s3.objects().containsKey("bucket/run/checkpoints/step-00000008/DONE"), s3.objects().keySet().toString());
        } finally {
            System.clearProperty("longhaul.test.s3");
        }
    }

    private void pausedAndResumed(String uri) throws IOException {
        String[] settings = {"steps=8", "optimizer.epsilon=1e-4"};
        InProcessJob.run(folder.resolve("straight"), "{data: 2}", settings);
        String path = "checkpoint.path=" + uri;
        InProcessJob.run(folder.resolve("remote"), "{data: 2}", "steps=8", "optimizer.epsilon=1e-4", "stop_after=4", path);
        InProcessJob.run(folder.resolve("remote"), "{data: 2}", "steps=8", "optimizer.epsilon=1e-4", path);
        try (CheckpointStore local = CheckpointStore.open(folder.resolve("straight/checkpoints")); CheckpointStore remote = CheckpointStore.open(uri)) {
            Checkpoint a = local.openNewest();
            Checkpoint b = remote.openNewest();
            assertEquals(8, b.meta().step());
            assertEquals(a.meta().state(), b.meta().state());
            for (String name : a.tensorNames()) {
                assertArrayEquals(TrainerTest.bytes(a, name), TrainerTest.bytes(b, name), name);
            }
        }

    }
}
