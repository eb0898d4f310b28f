package org.longhaul.data.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The committed outputs of one stage. A part is a folder of its own for every attempt; a small marker file, written last,
 * names the attempt that counts, the digest of everything that went into it, and its statistics. Work whose marker is
 * missing or has another digest is done again; a killed attempt leaves a folder that nobody names and that the
 * next run removes.
 */
final class StageFolder {
    private static final String SUFFIX = ".json";

    private final Store store;

    StageFolder(Configuration conf, String folder) {
        this.store = new Store(conf, folder);
    }

    /** A committed part: where its files lie and what was counted. */
    record Done(int part, String folder, JsonNode stats) {
        /** Full path of a file of the part. */
        Path file(String name) {
            return new Path(folder, name);
        }
    }

    private static String name(int part) {
        return String.format("part-%06d", part);
    }

    /** A fresh folder for one attempt at a part. */
    Path begin(int part) throws IOException {
        Path folder = store.path(name(part) + "." + UUID.randomUUID().toString().substring(0, 8));
        store.fs().mkdirs(folder);
        return folder;
    }

    /** Makes an attempt the one that counts. */
    Done commit(int part, Path attempt, String digest, JsonNode stats) {
        ObjectNode marker = Json.MAPPER.createObjectNode();
        marker.put("digest", digest);
        marker.put("folder", attempt.getName());
        marker.set("stats", stats);
        store.write(name(part) + SUFFIX, Json.bytes(marker));
        return new Done(part, attempt.toString(), stats);
    }

    /** The committed parts whose digests are the wanted ones, by part number. */
    Map<Integer, Done> done(Map<Integer, String> wanted) {
        Map<Integer, Done> done = new TreeMap<>();
        List<String> names = store.names();
        for (String file : names) {
            if (!file.startsWith("part-") || !file.endsWith(SUFFIX)) {
                continue;
            }
            int part = Integer.parseInt(file.substring(5, file.length() - SUFFIX.length()));
            JsonNode marker = Json.parse(new String(store.read(file), StandardCharsets.UTF_8), Store.display(store.path(file)));
            if (marker.path("digest").asText().equals(wanted.get(part)) && names.contains(marker.path("folder").asText())) {
                done.put(part, new Done(part, store.path(marker.path("folder").asText()).toString(), marker.path("stats")));
            }
        }
        return done;
    }

    /** Removes attempts and markers that do not count; call only while no task of the stage runs. */
    void clean(Map<Integer, Done> keep) {
        List<String> kept = new ArrayList<>();
        keep.values().forEach(done -> {
            kept.add(name(done.part()) + SUFFIX);
            kept.add(new Path(done.folder()).getName());
        });
        for (String name : store.names()) {
            if ((name.startsWith("part-") || name.startsWith(".part-")) && !kept.contains(name)) {
                store.delete(name);
            }
        }
    }
}
