package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.S3Server;

/**
 * Jobs whose checkpoints lie on HDFS and on S3: their processes are killed at every kind of moment, and their storage goes away for a while.
 * {@code -Dlonghaul.fault.remote=12} kills more often than the ordinary test run, {@code -Dlonghaul.fault.seed=N} repeats a run.
 */
class RemoteFaultTest {
    private static final int KILLS = Integer.getInteger("longhaul.fault.remote", 1);
    private static final long SEED = Long.getLong("longhaul.fault.seed", System.nanoTime());
    private static final String[] STEPS = {"steps=" + (100 + 100 * KILLS)};

    private static final String FREELY = "checkpoint.retention={ephemeral_every: 0s}";

    @TempDir
    private static Path folder;

    private static MiniDFSCluster hdfs;
    private static S3Server s3;
    private static KillRig straight;

    @BeforeAll
    static void start() throws Exception {
        Configuration conf = new Configuration();
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
        hdfs = new MiniDFSCluster.Builder(conf).numDataNodes(1).build();
        s3 = new S3Server();
        System.setProperty("longhaul.test.s3", s3.endpoint());
        straight = new KillRig(folder.resolve("straight"), folder.resolve("straight/checkpoints").toString(), List.of(), STEPS);
        assertEquals(0, straight.launch(0, "60s", "", "", FREELY).waitFor(), straight.log());
    }

    @AfterAll
    static void stop() {
        hdfs.shutdown();
        s3.close();
        System.clearProperty("longhaul.test.s3");
    }

    @Test
    void killsCostNothingOnHdfs() throws Exception {
        killed(new KillRig(folder.resolve("killed-hdfs"), hdfs.getURI() + "/run/checkpoints", List.of(), STEPS));
    }

    @Test
    void killsCostNothingOnS3() throws Exception {
        killed(new KillRig(folder.resolve("killed-s3"), "s3a://bucket/run/checkpoints", List.of("-Dlonghaul.test.s3=" + s3.endpoint()), STEPS));
        assertEquals(List.of(), s3.openUploads());
    }

    @Test
    void anHdfsThatIsDownForAWhileCostsOnlyItsSaves() throws Exception {
        down(new KillRig(folder.resolve("down-hdfs"), hdfs.getURI() + "/down/checkpoints", List.of(), "steps=1000000"), new Outage() {
            @Override
            public void begin() {
                hdfs.shutdownNameNode(0);
            }

            @Override
            public void end() throws IOException {
                hdfs.restartNameNode(0, true);
            }
        });
    }

    @Test
    void anS3ThatIsDownForAWhileCostsOnlyItsSaves() throws Exception {
        down(new KillRig(folder.resolve("down-s3"), "s3a://bucket/down/checkpoints", List.of("-Dlonghaul.test.s3=" + s3.endpoint()), "steps=1000000"), new Outage() {
            @Override
            public void begin() {
                s3.down(true);
            }

            @Override
            public void end() {
                s3.down(false);
            }
        });
    }

    private interface Outage {
        void begin();

        void end() throws IOException;
    }

    private static void down(KillRig rig, Outage outage) throws Exception {
        Process job = rig.launch(0, "300s", "", "", "checkpoint.retention={ephemeral_every: 0s, ephemeral_steps: 50}");
        try {
            until(job, rig, () -> rig.newestStep() > 0);
            outage.begin();
            until(job, rig, () -> rig.log().contains(" not saved in "));
            long then = rig.lastStep();
            until(job, rig, () -> rig.lastStep() > then + 20);
            outage.end();
            until(job, rig, () -> rig.log().contains(" takes checkpoints again"));
            until(job, rig, () -> rig.newestStep() > then);
            new ProcessBuilder("kill", "-TERM", Long.toString(job.pid())).start().waitFor();
            assertEquals(75, job.waitFor(), rig.log());
            assertEquals(rig.lastStep(), rig.newestStep());
            // Both ranks are refused, so each may say why, once.
            long warnings = rig.log().lines().filter(l -> l.contains(" not saved in ")).count();
            assertTrue(warnings <= 2, rig.log());
            try (CheckpointStore store = CheckpointStore.open(rig.checkpoints())) {
                assertEquals(List.of(), store.cleanUp(), "nothing half-written is left");
            }
        } finally {
            job.descendants().forEach(ProcessHandle::destroyForcibly);
            job.destroyForcibly();
        }
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void until(Process job, KillRig rig, Condition condition) throws Exception {
        while (!condition.holds()) {
            assertTrue(job.isAlive(), rig.log());
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    private static void killed(KillRig rig) throws Exception {
        System.out.println("fault seed " + SEED);
        rig.kill(KILLS, SEED);
        assertEquals(0, rig.launch(0, "60s", "", "", FREELY).waitFor(), rig.log());
        System.out.println(rig.checkpoints() + ": " + rig.summary());
        try (CheckpointStore store = CheckpointStore.open(rig.checkpoints())) {
            assertEquals(List.of(), store.cleanUp(), "nothing half-written is left");
            assertTrue(store.list().stream().allMatch(CheckpointInfo::complete), store.list().toString());
            assertEquals(List.of(), store.openNewest().verify());
        }
        TrainerTest.sameState(straight.run().resolve("checkpoints").toString(), rig.checkpoints());
        assertEquals(TrainerTest.losses(straight.run()), TrainerTest.losses(rig.run()));
    }
}
