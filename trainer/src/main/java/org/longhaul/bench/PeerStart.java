package org.longhaul.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.model.ParameterSpec;
import org.longhaul.model.ParameterStore;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;

/** Initial weights and data in a file, from which {@code same_start.py} lets the peer begin. */
final class PeerStart {
    private static final int PIECE = 16 << 20;

    private PeerStart() {}

    /**
     * A line of JSON, int32 tokens, F32 master weights.
     *
     * @param data tokens of the micro-batch, context + 1 of each sequence
     */
    static void write(Path file, Backend backend, ParameterStore store, int sequences, int context, int[] data) {
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("tokens", new int[] {sequences, context + 1});
        List<ParameterSpec> specs = store.layout().parameters();
        List<Object> parameters = new ArrayList<>();
        specs.forEach(p -> parameters.add(List.of(p.name(), p.shape())));
        head.put("parameters", parameters);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            out.write((new ObjectMapper().writeValueAsString(head) + "\n").getBytes(StandardCharsets.UTF_8));
            ByteBuffer ids = ByteBuffer.allocate(4 * data.length).order(ByteOrder.LITTLE_ENDIAN);
            ids.asIntBuffer().put(data);
            out.write(ids.array());
            ByteBuffer piece = ByteBuffer.allocateDirect(PIECE).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < specs.size(); i++) {
                long from = store.layout().offset(i);
                long end = from + specs.get(i).elements();
                for (long at = from; at < end; at += PIECE / 4) {
                    copy(out, backend, store.master().slice(at, Math.min(end, at + PIECE / 4)), piece);
                }
            }
        } catch (IOException e) {
            throw UserError.environment("cannot write " + file + ": " + Reason.of(e) + "; free space, or leave --same-start away", e);
        }
    }

    private static void copy(OutputStream out, Backend backend, Tensor part, ByteBuffer piece) throws IOException {
        byte[] bytes = new byte[(int) part.bytes()];
        piece.clear().limit(bytes.length);
        backend.download(piece, part);
        piece.position(0);
        piece.get(bytes);
        out.write(bytes);
    }

    /** The script beside the start file. */
    static Path script(Path start) throws IOException {
        Path script = start.resolveSibling(start.getFileName() + ".py");
        try (InputStream in = PeerStart.class.getResourceAsStream("same_start.py")) {
            Files.write(script, in.readAllBytes());
        }
        return script;
    }
}
