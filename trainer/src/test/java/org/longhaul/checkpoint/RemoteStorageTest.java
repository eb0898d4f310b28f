package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.longhaul.checkpoint.Fixtures.BACKEND;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.SafeModeAction;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.longhaul.doctor.Finding;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;
import picocli.CommandLine;

/** Checkpoints on a real HDFS (name node and data node in this process) and through Hadoop's S3 client over HTTP. */
class RemoteStorageTest {
    private static final Retention TWO = new Retention(Duration.ofMinutes(5), 0, 2, 0);

    @TempDir
    static Path folder;

    private static MiniDFSCluster hdfs;
    private static S3Server s3;

    @BeforeAll
    static void start() throws IOException {
        Configuration conf = new Configuration();
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.toString());
        hdfs = new MiniDFSCluster.Builder(conf).numDataNodes(1).build();
        s3 = new S3Server();
        System.setProperty("longhaul.test.s3", System.getProperty("longhaul.s3.endpoint", s3.endpoint()));
    }

    @AfterAll
    static void stop() {
        hdfs.shutdown();
        s3.close();
        System.clearProperty("longhaul.test.s3");
    }

    static Stream<String> roots() {
        return Stream.of(hdfs.getURI().toString(), "s3a://runs");
    }

    @ParameterizedTest
    @MethodSource("roots")
    void twoRanksSaveKeepTwoAndLoad(String root) {
        String uri = root + "/ranks/checkpoints";
        ThreadRanks.run(2, group -> {
            try (CheckpointStore store = CheckpointStore.open(uri, group);
                    CheckpointSaver saver = new CheckpointSaver(store, BACKEND, TWO)) {
                store.cleanUp();
                for (long step = 1; step <= 4; step++) {
                    saver.save(Fixtures.meta(step), Fixtures.filled(half(group.rank()), step));
                }
                saver.await();
                assertEquals(0, saver.stats().failures());
                assertEquals(4, saver.stats().saves());
                return 0;
            }
        });
        try (CheckpointStore store = CheckpointStore.open(uri)) {
            assertEquals(List.of("step-00000004", "step-00000003"), store.list().stream().map(CheckpointInfo::name).toList());
            assertEquals(List.of(), store.cleanUp(), "nothing is left behind");
            assertEquals(List.of(), store.openNewest().verify());
            List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
            assertEquals(4, store.loadNewest(BACKEND, c -> back).orElseThrow().step());
            assertEquals(List.of(), Fixtures.differences(back, 4));
        }
    }

    @ParameterizedTest
    @MethodSource("roots")
    void theCommandsWork(String root) {
        String uri = root + "/commands";
        try (CheckpointStore store = CheckpointStore.open(uri)) {
            Fixtures.save(store, 1);
            Fixtures.save(store, 2);
        }
        assertTrue(call(new LsCommand(), uri).contains("step-00000002"));
        assertTrue(call(new VerifyCommand(), uri, "--all").contains("all checksums match"));
        assertTrue(call(new VerifyCommand(), uri + "/step-00000001").contains("all checksums match"));
        call(new ReshardCommand(), uri, root + "/copy", "--files", "3");
        assertEquals("12 of 12 tensors are equal", call(new DiffCommand(), uri, root + "/copy").strip());
        call(new ReshardCommand(), uri, folder.resolve("local" + root.hashCode()).toString());
        assertEquals("12 of 12 tensors are equal", call(new DiffCommand(), folder.resolve("local" + root.hashCode()).toString(), uri).strip());
        UserError none = assertThrows(UserError.class, () -> call(new LsCommand(), root + "/absent"));
        assertTrue(none.getMessage().startsWith("no checkpoints in " + root + "/absent"), none.getMessage());
    }

    @ParameterizedTest
    @MethodSource("roots")
    void damageIsNamedAndTheStepBeforeIsUsed(String root) throws IOException {
        String uri = root + "/damage";
        try (CheckpointStore store = CheckpointStore.open(uri); FileSystem fs = fs(uri)) {
            Fixtures.save(store, 1);
            Fixtures.save(store, 2);
            org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(uri, "step-00000002/rank-0000.bin");
            byte[] bytes = new byte[(int) fs.getFileStatus(file).getLen()];
            try (var in = fs.open(file)) {
                in.readFully(bytes);
            }
            bytes[5000] ^= 1;
            try (FSDataOutputStream out = fs.create(file, true)) {
                out.write(bytes);
            }
            List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
            assertEquals(1, store.loadNewest(BACKEND, c -> back).orElseThrow().step());
            assertEquals(List.of(), Fixtures.differences(back, 1));
            String problem = store.list().get(0).problem();
            assertTrue(problem.contains("step-00000002/rank-0000.bin is damaged between byte 4096 and byte 5119"), problem);
            fs.delete(new org.apache.hadoop.fs.Path(uri, "step-00000001/manifest.json"), false);
            assertTrue(store.list().get(1).problem().contains("manifest.json is missing"), store.list().toString());
        }
    }

    @ParameterizedTest
    @MethodSource("roots")
    void whatAKilledRunLeftIsCleanedAway(String root) throws IOException {
        String uri = root + "/left";
        try (CheckpointStore store = CheckpointStore.open(uri); FileSystem fs = fs(uri)) {
            Fixtures.save(store, 1);
            for (String name : List.of("step-00000002/rank-0000.bin", ".tmp-step-00000003/rank-0001.bin")) {
                try (FSDataOutputStream out = fs.create(new org.apache.hadoop.fs.Path(uri, name))) {
                    out.write(new byte[100]);
                }
            }
            assertEquals(1, store.newestComplete().orElseThrow().step());
            assertEquals(List.of(".tmp-step-00000003", "step-00000002"), store.cleanUp().stream().sorted().toList());
            assertEquals(1, store.list().size());
        }
    }

    @ParameterizedTest
    @MethodSource("roots")
    void aFileIsReplacedWholeAndNothingElseStays(String root) throws IOException {
        String uri = root + "/replaced";
        try (Storage storage = Storages.open(uri)) {
            storage.makeFolder("");
            for (int length : new int[] {3, 200_000, 7}) {
                byte[] bytes = new byte[length];
                Arrays.fill(bytes, (byte) length);
                storage.replace(Lease.FILE, bytes);
                assertArrayEquals(bytes, storage.read(Lease.FILE));
            }
            assertEquals(List.of(Lease.FILE), storage.children("").stream().map(Storage.Entry::name).toList());
        }
    }

    @Test
    void anHdfsThatTakesNoWritesCostsTheSaveAndNotTheRun() throws IOException {
        refused(hdfs.getURI() + "/refused", refuse -> hdfs.getFileSystem().setSafeMode(refuse ? SafeModeAction.ENTER : SafeModeAction.LEAVE));
    }

    @Test
    void aBucketThatTakesNoWritesCostsTheSaveAndNotTheRun() throws IOException {
        refused("s3a://runs/refused", s3::refuse);
    }

    private interface Refusal {
        void set(boolean refuse) throws IOException;
    }

    private static void refused(String uri, Refusal refusal) throws IOException {
        try (CheckpointStore store = CheckpointStore.open(uri);
                CheckpointSaver saver = new CheckpointSaver(store, BACKEND, Fixtures.KEEP_ALL)) {
            saver.save(Fixtures.meta(1), Fixtures.filled(Fixtures.wholeState(), 1));
            saver.await();
            refusal.set(true);
            saver.save(Fixtures.meta(2), Fixtures.filled(Fixtures.wholeState(), 2));
            saver.await();
            assertEquals(1, saver.stats().failures());
            refusal.set(false);
            assertEquals(1, store.openNewest().meta().step());
            saver.save(Fixtures.meta(3), Fixtures.filled(Fixtures.wholeState(), 3));
            saver.await();
            assertEquals(2, saver.stats().saves());
            assertEquals(3, store.openNewest().meta().step());
            assertEquals(List.of(), store.openNewest().verify());
        }
    }

    @Test
    void doneIsTheLastObjectAndLargeFilesGoInParts() {
        String uri = "s3a://runs/large";
        Box box = Box.whole("w", 3000, 1000);
        int parts = s3.multipartUploads();
        try (CheckpointStore store = CheckpointStore.open(uri)) {
            Fixtures.save(store, Fixtures.meta(1), List.of(Fixtures.filled(box, DType.F32, 1)), Fixtures.KEEP_ALL);
            List<BoxData> back = Fixtures.empty(List.of(box));
            store.openNewest().load(BACKEND, back);
            assertEquals(List.of(), Fixtures.differences(back, 1));
            assertTrue(s3.multipartUploads() > parts, "12 MB went as one object");
            // The bucket as a run leaves it that is killed before the last upload.
            byte[] done = s3.objects().remove("runs/large/step-00000001/DONE");
            assertTrue(done != null, s3.objects().keySet().toString());
            assertTrue(store.newestComplete().isEmpty());
            s3.objects().put("runs/large/step-00000001/DONE", done);
            assertEquals(1, store.openNewest().meta().step());
        }
    }

    @ParameterizedTest
    @MethodSource("roots")
    void theDoctorTriesThePlace(String root) throws IOException {
        Finding found = PlaceProbe.look("checkpoints", root + "/doctor", 1L << 30);
        assertEquals(Finding.Level.OK, found.level(), found.toString());
        String pattern = root.startsWith("hdfs") ? ".*: writes .*/s, reads .*/s, renames, deletes; one process alone .*" : ".*: writes .*/s, reads .*/s, deletes; one .*";
        assertTrue(found.detail().matches(pattern), found.detail());
        try (Storage storage = Storages.open(root + "/doctor")) {
            assertEquals(List.of(), storage.children(""), "nothing stays behind");
        }
    }

    @Test
    void theDoctorNamesWhatAPlaceRefuses() {
        s3.refuse(true);
        try {
            Finding found = PlaceProbe.look("checkpoints", "s3a://runs/closed", 0);
            assertEquals(Finding.Level.FAIL, found.level());
            assertTrue(found.detail().startsWith("cannot make a folder in s3a://runs/closed: "), found.detail());
            assertTrue(found.mend().contains("right to write"), found.mend());
        } finally {
            s3.refuse(false);
        }
    }

    /** A process that is killed in the middle of a large file: its parts are billed until somebody gives the upload up. A neighbour's stay. */
    @Test
    void uploadsOfAKilledRunAreGivenUpAndNobodyElses() throws IOException {
        String uri = "s3a://runs/parts";
        FileSystem killed = fs(uri);
        for (String name : List.of("parts/step-00000002/rank-0000.bin", "parts2/step-00000002/rank-0000.bin")) {
            FSDataOutputStream out = killed.create(new org.apache.hadoop.fs.Path("s3a://runs/" + name));
            out.write(new byte[12 << 20]);
            out.flush();
        }
        // Parts go out in the background.
        while (s3.openUploads().size() < 2) {
            Thread.onSpinWait();
        }
        try (CheckpointStore store = CheckpointStore.open(uri)) {
            store.cleanUp();
        }
        assertEquals(List.of("runs/parts2/step-00000002/rank-0000.bin"), s3.openUploads());
    }

    private static FileSystem fs(String uri) throws IOException {
        return FileSystem.newInstance(java.net.URI.create(uri), new Configuration());
    }

    private static List<Box> half(int rank) {
        List<Box> all = Fixtures.wholeState();
        return rank == 0 ? all.subList(0, 7) : all.subList(7, all.size());
    }

    private static String call(Object command, String... arguments) {
        StringWriter out = new StringWriter();
        CommandLine line = new CommandLine(command).setOut(new PrintWriter(out, true)).setCaseInsensitiveEnumValuesAllowed(true);
        RuntimeException[] fault = {null};
        line.setExecutionExceptionHandler((e, c, r) -> {
            fault[0] = e instanceof RuntimeException known ? known : new IllegalStateException(e);
            return 1;
        });
        int status = line.execute(arguments);
        if (fault[0] != null) {
            throw fault[0];
        }
        assertEquals(0, status, out.toString());
        return out.toString();
    }
}
