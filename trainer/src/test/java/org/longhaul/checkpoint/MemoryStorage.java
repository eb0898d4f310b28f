package org.longhaul.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Files in a map: a disk without the wait for it. A file that is being written shows what has been written so far. */
final class MemoryStorage implements Storage {
    private static final byte[] FOLDER = new byte[0];

    private final Map<String, byte[]> files = new TreeMap<>();

    @Override
    public String root() {
        return "memory";
    }

    @Override
    public boolean atomicRename() {
        return true;
    }

    @Override
    public synchronized List<Entry> children(String path) {
        String prefix = path.isEmpty() ? "" : path + "/";
        List<Entry> entries = new ArrayList<>();
        files.forEach((name, bytes) -> {
            if (name.startsWith(prefix) && name.length() > prefix.length() && name.indexOf('/', prefix.length()) < 0) {
                entries.add(new Entry(name.substring(prefix.length()), bytes == FOLDER, bytes.length));
            }
        });
        return entries;
    }

    @Override
    public synchronized long length(String path) {
        byte[] bytes = files.get(path);
        return bytes == null || bytes == FOLDER ? -1 : bytes.length;
    }

    @Override
    public synchronized void makeFolder(String path) {
        if (!path.isEmpty()) {
            files.put(path, FOLDER);
        }
    }

    @Override
    public Output create(String path) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        put(path, new byte[0]);
        return new Output() {
            @Override
            public void write(ByteBuffer source) throws IOException {
                byte[] bytes = new byte[source.remaining()];
                source.get(bytes);
                out.write(bytes);
                put(path, out.toByteArray());
            }

            @Override
            public void commit() {}

            @Override
            public void close() {}
        };
    }

    private synchronized void put(String path, byte[] bytes) {
        files.put(path, bytes);
    }

    @Override
    public synchronized Input open(String path) throws IOException {
        byte[] bytes = files.get(path);
        if (bytes == null) {
            throw new CorruptCheckpointException(path + " is missing");
        }
        return new Input() {
            @Override
            public int read(ByteBuffer destination, long position) {
                int n = (int) Math.max(0, Math.min(destination.remaining(), bytes.length - position));
                destination.put(bytes, (int) position, n);
                return n;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public synchronized void rename(String from, String to) throws IOException {
        if (files.containsKey(to)) {
            throw new IOException(to + " is there");
        }
        for (String name : List.copyOf(files.keySet())) {
            if (name.equals(from) || name.startsWith(from + "/")) {
                files.put(to + name.substring(from.length()), files.remove(name));
            }
        }
    }

    @Override
    public synchronized void delete(String path) {
        files.keySet().removeIf(name -> name.equals(path) || name.startsWith(path + "/"));
    }

    @Override
    public void syncFolder(String path) {}
}
