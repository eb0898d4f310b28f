package org.longhaul.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A storage whose process dies at the n-th change: that change happens half, and nothing after it happens at all. */
final class CrashStorage implements Storage {
    private final Storage storage;
    private final boolean atomic;
    private final int dieAt;
    private int changes;

    CrashStorage(Storage storage, boolean atomic, int dieAt) {
        this.storage = storage;
        this.atomic = atomic;
        this.dieAt = dieAt;
    }

    /** The end of the simulated process. */
    static final class Died extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    boolean dead() {
        return changes >= dieAt;
    }

    // True when this change is the one that dies half-way.
    private boolean last() {
        if (dead()) {
            throw new Died();
        }
        return ++changes == dieAt;
    }

    @Override
    public String root() {
        return storage.root();
    }

    @Override
    public boolean atomicRename() {
        return atomic;
    }

    @Override
    public List<Entry> children(String path) throws IOException {
        return storage.children(path);
    }

    @Override
    public long length(String path) throws IOException {
        return storage.length(path);
    }

    @Override
    public void makeFolder(String path) throws IOException {
        storage.makeFolder(path);
        if (last()) {
            throw new Died();
        }
    }

    @Override
    public Output create(String path) throws IOException {
        // An object appears when its upload ends, a file when it is opened.
        ByteArrayOutputStream upload = new ByteArrayOutputStream();
        Output out = atomic ? storage.create(path) : null;
        if (last()) {
            throw new Died();
        }
        return new Output() {
            @Override
            public void write(ByteBuffer source) throws IOException {
                boolean last = last();
                int n = last ? source.remaining() / 2 : source.remaining();
                if (atomic) {
                    out.write(source.slice(source.position(), n));
                } else {
                    byte[] bytes = new byte[n];
                    source.get(source.position(), bytes);
                    upload.write(bytes);
                }
                source.position(source.limit());
                if (last) {
                    throw new Died();
                }
            }

            @Override
            public void commit() throws IOException {
                if (last()) {
                    throw new Died();
                }
                if (atomic) {
                    out.commit();
                } else {
                    storage.write(path, upload.toByteArray());
                }
            }

            @Override
            public void close() throws IOException {
                if (out != null) {
                    out.close();
                }
            }
        };
    }

    @Override
    public Input open(String path) throws IOException {
        return storage.open(path);
    }

    @Override
    public void rename(String from, String to) throws IOException {
        if (last()) {
            throw new Died();
        }
        storage.rename(from, to);
    }

    @Override
    public void delete(String path) throws IOException {
        boolean last = last();
        if (last) {
            List<Entry> inside = storage.children(path);
            for (Entry e : inside.subList(0, inside.size() / 2)) {
                storage.delete(path + "/" + e.name());
            }
            throw new Died();
        }
        storage.delete(path);
    }

    @Override
    public void syncFolder(String path) throws IOException {
        storage.syncFolder(path);
    }
}
