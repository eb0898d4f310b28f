package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A folder as one node of a network file system sees it, for ever as it first looked: names that were not there stay away, listings stay as they were,
 * until this node itself makes or renames something there. What real clients do for some seconds to a minute.
 */
final class NodeView implements Storage {
    private final Storage server;
    private final Set<String> absent = new TreeSet<>();
    private final Map<String, List<Entry>> listings = new HashMap<>();

    NodeView(Storage server) {
        this.server = server;
    }

    private synchronized boolean hidden(String path) {
        return absent.stream().anyMatch(a -> a.isEmpty() || path.equals(a) || path.startsWith(a + "/"));
    }

    private synchronized void remember(String path, boolean there) {
        if (!there) {
            absent.add(path);
        }
    }

    private synchronized void changed(String path) {
        absent.remove(path);
        listings.remove(path);
        listings.remove(path.contains("/") ? path.substring(0, path.lastIndexOf('/')) : "");
    }

    @Override
    public String root() {
        return server.root();
    }

    @Override
    public boolean atomicRename() {
        return server.atomicRename();
    }

    @Override
    public synchronized List<Entry> children(String path) throws IOException {
        if (hidden(path)) {
            return List.of();
        }
        if (!listings.containsKey(path)) {
            List<Entry> now = server.children(path);
            remember(path, !now.isEmpty());
            listings.put(path, now);
        }
        return listings.get(path);
    }

    @Override
    public long length(String path) throws IOException {
        long length = hidden(path) ? -1 : server.length(path);
        remember(path, length >= 0);
        return length;
    }

    // The server says that it is there, which a client believes.
    @Override
    public void makeFolder(String path) throws IOException {
        server.makeFolder(path);
        changed("");
        for (int i = path.indexOf('/'); i >= 0; i = path.indexOf('/', i + 1)) {
            changed(path.substring(0, i));
        }
        changed(path);
    }

    @Override
    public Output create(String path) throws IOException {
        String folder = path.contains("/") ? path.substring(0, path.lastIndexOf('/')) : "";
        if (hidden(folder)) {
            throw new NoSuchFileException(root() + "/" + path);
        }
        changed(path);
        return server.create(path);
    }

    @Override
    public void replace(String path, byte[] bytes) throws IOException {
        if (hidden("")) {
            throw new NoSuchFileException(root() + "/" + path);
        }
        server.replace(path, bytes);
        changed(path);
    }

    @Override
    public Input open(String path) throws IOException {
        if (hidden(path)) {
            throw new CorruptCheckpointException(root() + "/" + path + " is missing");
        }
        return server.open(path);
    }

    @Override
    public byte[] read(String path) throws IOException {
        if (hidden(path)) {
            throw new CorruptCheckpointException(root() + "/" + path + " is missing");
        }
        return server.read(path);
    }

    @Override
    public void rename(String from, String to) throws IOException {
        server.rename(from, to);
        changed(from);
        changed(to);
    }

    @Override
    public void delete(String path) throws IOException {
        if (!hidden(path)) {
            server.delete(path);
            changed(path);
        }
    }

    @Override
    public void syncFolder(String path) throws IOException {
        server.syncFolder(path);
    }
}
