package org.longhaul.shards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs {@code scripts/parity/shards_pyarrow.py} with the Python of {@code LONGHAUL_PYTHON}, else {@code python3}. */
class PyarrowParityTest {
    @TempDir
    Path folder;

    private record Output(int status, String text) {}

    @Test
    void pyarrowReadsTheSameIds() throws IOException, InterruptedException {
        String python = Optional.ofNullable(System.getenv("LONGHAUL_PYTHON")).orElse("python3");
        assumeTrue(run(python, "-c", "import pyarrow, numpy").status == 0, python + " has no pyarrow; set LONGHAUL_PYTHON to one that has");
        Path script = Path.of("..", "scripts", "parity", "shards_pyarrow.py").toAbsolutePath().normalize();
        assertTrue(Files.exists(script), script + " is missing");
        for (int vocabulary : new int[] {300, 90_000}) {
            Path place = Files.createDirectory(folder.resolve("v" + vocabulary));
            Fixture fixture = new Fixture(place, vocabulary, 12, 3, 300, 4_000, true);
            Output output = run(python, script.toString(), place.toString(), "--ids");
            assertEquals(0, output.status, output.text);
            for (String split : fixture.content.keySet()) {
                TokenSplit tokens = ShardSet.open(place).split(split);
                int[] ids = new int[(int) tokens.tokens()];
                tokens.read(0, ids, 0, ids.length);
                long digest = 0;
                for (int id : ids) {
                    digest = digest * 0x100000001B3L + Integer.toUnsignedLong(id);
                }
                String line = output.text.lines().filter(l -> l.startsWith(split)).findFirst().orElse("");
                assertTrue(line.endsWith(String.format("ids %016x", digest)), line);
            }
        }
    }

    private static Output run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Output(process.waitFor(), text);
        } catch (IOException e) {
            return new Output(127, e.getMessage());
        }
    }
}
