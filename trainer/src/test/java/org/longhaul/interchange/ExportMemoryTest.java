package org.longhaul.interchange;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.checkpoint.StreamedBox;
import org.longhaul.model.ModelConfig;
import org.longhaul.tensor.DType;
import picocli.CommandLine;

/** A model larger than all of Java's memory is exported in shards, read back byte by byte, and its logits are compared. */
class ExportMemoryTest {
    // 268 MB of weights, two tensors of 131 MB.
    private static final ModelConfig MODEL = new ModelConfig(1, 512, 4, 4, 1024, 64_000, 64, 10000, 1e-6, 0.02);
    private static final int PIECE = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void anExportHoldsPiecesOnly() throws Exception {
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            List<StreamedBox> boxes = HfFolder.boxes(MODEL).stream().map(box -> new StreamedBox(box, DType.F32, sink -> {
                ByteBuffer piece = ByteBuffer.allocate(PIECE).order(ByteOrder.LITTLE_ENDIAN);
                for (long at = 0; at < box.elements(); at += PIECE / 4) {
                    piece.clear();
                    for (long i = at; i < Math.min(box.elements(), at + PIECE / 4); i++) {
                        piece.putFloat((i * 2654435761L & 1023) * 4e-5f - 0.02f);
                    }
                    sink.accept(piece.flip());
                }
            })).toList();
            store.write(new CheckpointMeta(1, SaveKind.PERMANENT, MODEL, "", Map.of(), null), boxes, 2);
        }
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-Xmx64m", "-XX:MaxDirectMemorySize=96m",
                "-XX:TieredStopAtLevel=1"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("--add-opens") || a.startsWith("--enable") || a.startsWith("--sun")).forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Export.class.getName(), folder.resolve("run").toString(),
                folder.resolve("out").toString(), "--max-shard-gb", "0.07"));
        Process export = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(export.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, export.waitFor(), said);
        assertTrue(said.contains("read back: every weight is the checkpoint's"), said);
        assertTrue(said.contains("logits of the two: 0.000e+00 apart"), said);
        assertTrue(Files.exists(folder.resolve("out/model-00002-of-00002.safetensors")), said);
        assertTrue(Files.exists(folder.resolve("out/model.safetensors.index.json")), said);
    }

    /** The command as a process of its own. */
    static final class Export {
        private Export() {}

        public static void main(String[] args) throws IOException {
            System.exit(new CommandLine(new ExportHfCommand()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
        }
    }
}
