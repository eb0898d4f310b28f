package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.longhaul.checkpoint.Fixtures.BACKEND;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;

/** The Hadoop adapter over a file system with atomic rename, and over one that has none, as object stores. */
class HadoopStorageTest {
    @TempDir
    java.nio.file.Path folder;

    @Test
    void savesThroughAnAtomicRename() throws IOException {
        contract(new HadoopStorage(raw(), new Path(folder.toUri()), true));
    }

    @Test
    void savesWithoutRename() throws IOException {
        contract(new HadoopStorage(new ObjectStore(raw(), Long.MAX_VALUE), new Path(folder.toUri()), false));
    }

    @Test
    void aFullDiskIsAWarningAndTheLastGoodCheckpointStays() throws IOException {
        ObjectStore small = new ObjectStore(raw(), 100_000);
        CheckpointStore store = new CheckpointStore(new HadoopStorage(small, new Path(folder.toUri()), false), RankGroup.single());
        try (CheckpointSaver saver = new CheckpointSaver(store, BACKEND, Fixtures.KEEP_ALL)) {
            for (long step = 1; step <= 3; step++) {
                saver.save(Fixtures.meta(step), Fixtures.filled(Fixtures.wholeState(), step));
                saver.await();
            }
            assertEquals(1, saver.stats().saves());
            assertEquals(2, saver.stats().failures());
            assertEquals(1, saver.stats().lastStep());
        }
        assertEquals(List.of("step-00000001"), store.list().stream().map(CheckpointInfo::name).toList());
        assertEquals(List.of(), store.openNewest().verify());
    }

    @Test
    void anUnknownSchemeIsAnEnvironmentError() {
        UserError e = assertThrows(UserError.class, () -> CheckpointStore.open("nosuch://bucket/run"));
        assertTrue(e.getMessage().contains("put the jars of Hadoop's file system for nosuch:// into the folder ext"), e.getMessage());
        UserError old = assertThrows(UserError.class, () -> CheckpointStore.open("s3://bucket/run"));
        assertTrue(old.getMessage().endsWith("write s3a:// instead"), old.getMessage());
        assertEquals(1, old.getMessage().lines().count());
    }

    private void contract(HadoopStorage storage) throws IOException {
        CheckpointStore store = new CheckpointStore(storage, RankGroup.single());
        Retention two = new Retention(Duration.ofMinutes(5), 0, 2, 0);
        for (long step = 1; step <= 4; step++) {
            assertEquals(1, Fixtures.save(store, Fixtures.meta(step), Fixtures.filled(Fixtures.wholeState(), step), two).saves());
        }
        Fixtures.save(store, Fixtures.meta(4), Fixtures.filled(Fixtures.wholeState(), 4), Fixtures.KEEP_ALL);
        assertEquals(List.of("step-00000004.2", "step-00000003"),
                store.list().stream().map(CheckpointInfo::name).toList());
        Files.createDirectories(folder.resolve("step-00000009"));
        Files.write(folder.resolve("step-00000009").resolve("rank-0000.bin"), new byte[10]);
        assertEquals(List.of("step-00000009"), store.cleanUp());
        List<BoxData> back = Fixtures.empty(Fixtures.wholeState());
        assertEquals(4, store.loadNewest(BACKEND, c -> back).orElseThrow().step());
        assertEquals(List.of(), Fixtures.differences(back, 4));
        // What Hadoop wrote, the local adapter reads.
        assertEquals(List.of(), CheckpointStore.open(folder).openNewest().verify());
    }

    private static FileSystem raw() throws IOException {
        RawLocalFileSystem fs = new RawLocalFileSystem();
        fs.initialize(URI.create("file:///"), new Configuration());
        return fs;
    }

    /** No rename of folders, and room for so many bytes in all. */
    private static final class ObjectStore extends FilterFileSystem {
        private final AtomicLong room;

        ObjectStore(FileSystem fs, long bytes) {
            super(fs);
            this.room = new AtomicLong(bytes);
        }

        @Override
        public boolean rename(Path from, Path to) throws IOException {
            throw new IOException("an object store copies, it does not rename: " + from);
        }

        @Override
        public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int buffer, short replication,
                long block, Progressable progress) throws IOException {
            FSDataOutputStream out = super.create(path, permission, overwrite, buffer, replication, block, progress);
            return new FSDataOutputStream(new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    if (room.addAndGet(-length) < 0) {
                        throw new IOException("No space left on device");
                    }
                    out.write(bytes, offset, length);
                }

                @Override
                public void close() throws IOException {
                    out.close();
                }
            }, null);
        }
    }
}
