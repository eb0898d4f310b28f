package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.longhaul.checkpoint.Fixtures.BACKEND;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.UserError;
import org.longhaul.tensor.DType;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.SpecialTokens;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.TokenizerFiles;
import org.longhaul.tokenizer.TrainedVocabulary;
import picocli.CommandLine;

/** {@code longhaul checkpoint ls|verify|diff|reshard} as a user types them. */
class CommandsTest {
    @TempDir
    Path folder;

    private String run;

    @BeforeEach
    void saveTwo() {
        CheckpointStore store = CheckpointStore.open(folder.resolve("run"));
        Fixtures.save(store, 1);
        Fixtures.save(store, Fixtures.meta(2, SaveKind.PERMANENT), Fixtures.filled(Fixtures.wholeState(), 2), Fixtures.KEEP_ALL);
        run = folder.resolve("run").toString();
    }

    @Test
    void lsListsNewestFirstWithWhatIsWrong() throws IOException {
        Files.delete(folder.resolve("run/step-00000001/DONE"));
        List<String> lines = call(new LsCommand(), run).lines().toList();
        assertEquals(4, lines.size());
        assertTrue(lines.get(3).matches("1 complete, \\d+\\.\\d KiB; 1 unusable"), lines.get(3));
        assertEquals(3, call(new LsCommand(), run, "--newest", "1").lines().count());
        assertTrue(lines.get(1).matches("step-00000002 +2 +permanent +\\d+\\.\\d KiB +\\S+Z +complete"), lines.get(1));
        assertTrue(lines.get(2).matches("step-00000001 .* unusable: .*DONE is missing: the save did not finish"), lines.get(2));
        assertTrue(call(new LsCommand(), run, "--json").contains("\"kind\" : \"PERMANENT\""));
        UserError none = assertThrows(UserError.class, () -> call(new LsCommand(), folder.resolve("absent").toString()));
        assertTrue(none.getMessage().startsWith("no checkpoints in "), none.getMessage());
    }

    @Test
    void rollbackTakesLaterOnesOutOfUse() throws IOException {
        String said = call(new RollbackCommand(), run + "/step-00000001", "--why", "the loss\nwas wrong");
        assertTrue(said.contains("step-00000002 is out of use") && said.contains("the next start goes on from step 1"), said);
        assertTrue(call(new LsCommand(), run).contains("unusable: the loss was wrong"), "one line");
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            assertEquals(1, store.openNewest().meta().step());
        }
        assertTrue(call(new RollbackCommand(), run + "/step-00000001").contains("is the newest complete checkpoint already"));
        Files.delete(folder.resolve("run/step-00000002/INVALID"));
        assertTrue(call(new LsCommand(), run).contains("2 complete"), "taken back");
    }

    @Test
    void rollbackRefusesWhatItCannotMean() throws IOException {
        UserError none = assertThrows(UserError.class, () -> call(new RollbackCommand(), run));
        assertTrue(none.getMessage().contains("names no step"), none.getMessage());
        UserError absent = assertThrows(UserError.class, () -> call(new RollbackCommand(), run + "/step-00000007"));
        assertTrue(absent.getMessage().startsWith("no checkpoint step-00000007 in "), absent.getMessage());
        try (CheckpointStore running = CheckpointStore.open(folder.resolve("run"))) {
            running.cleanUp();
            UserError used = assertThrows(UserError.class, () -> call(new RollbackCommand(), run + "/step-00000001"));
            assertTrue(used.getMessage().contains("another run"), used.getMessage());
        }
        assertTrue(call(new LsCommand(), run).contains("2 complete"));
    }

    @Test
    void theOutputOfARunStandsForItsCheckpoints() throws IOException {
        Path output = folder.resolve("output");
        Files.createDirectories(output);
        Files.move(folder.resolve("run"), output.resolve("checkpoints"));
        assertEquals(4, call(new LsCommand(), output.toString()).lines().count());
        assertTrue(call(new VerifyCommand(), output + "/").contains("step-00000002: 12 tensors"));
        assertTrue(call(new DiffCommand(), output + "/checkpoints/step-00000002", output.toString(), "--strict").startsWith("12 of 12 tensors are equal"));
    }

    @Test
    void verifyNamesWhatIsDamaged() throws IOException {
        assertTrue(call(new VerifyCommand(), run).contains("12 tensors"));
        Path file = folder.resolve("run/step-00000001/rank-0000.bin");
        byte[] bytes = Files.readAllBytes(file);
        bytes[100] ^= 1;
        Files.write(file, bytes);
        assertTrue(call(new VerifyCommand(), run).contains("all checksums match"), "the newest is sound");
        StringWriter said = new StringWriter();
        UserError one = assertThrows(UserError.class, () -> call(new VerifyCommand(), said, run + "/step-00000001"));
        assertEquals("1 checkpoint is damaged", one.getMessage());
        assertTrue(said.toString().contains("rank-0000.bin is damaged between byte 0 and byte 2559"), said.toString());
        assertThrows(UserError.class, () -> call(new VerifyCommand(), run, "--all"));
    }

    @Test
    void diffMeasuresWhatChanged() {
        String same = call(new DiffCommand(), run + "/step-00000002", run, "--strict");
        assertEquals("12 of 12 tensors are equal", same.strip());
        String text = call(new DiffCommand(), run + "/step-00000001", run);
        assertTrue(text.contains("step: 1 -> 2"), text);
        assertTrue(text.contains("model.norm.weight: 16 of 16 elements differ, max |a-b| 1.000e+00"), text);
        assertTrue(text.matches("(?s)\\d+ of 12 tensors are equal; \\d+ differ in [\\d,]+ of "
                + "[\\d,]+ elements, largest \\|a-b\\| \\d\\.\\d{3}e[+-]\\d+ in \\S+, \\|a-b\\|/\\|a\\| \\S+ over all\n.*"), text);
        assertTrue(text.contains("state consumed: 8 -> 16"), text);
        assertThrows(UserError.class, () -> call(new DiffCommand(), run + "/step-00000001", run, "--strict"));
    }

    @Test
    void diffAsJsonHasTheSumsAndTheTensors() throws IOException {
        JsonNode json = new ObjectMapper().readTree(call(new DiffCommand(), run + "/step-00000001", run, "--json"));
        assertEquals(12, json.get("tensors").asInt());
        assertEquals(json.get("tensors_different").asInt(), json.get("different").size());
        long elements = 0;
        double most = 0;
        for (JsonNode tensor : json.get("different")) {
            elements += tensor.get("elements_different").asLong();
            most = Math.max(most, tensor.get("max_abs_difference").asDouble());
        }
        assertEquals(elements, json.get("elements_different").asLong());
        assertEquals(most, json.get("max_abs_difference").asDouble());
        assertEquals("8", json.at("/changes").get("state consumed").get("a").asText());
        assertEquals(0, new ObjectMapper().readTree(call(new DiffCommand(), run, run, "--json")).get("max_abs_difference").asInt());
    }

    @Test
    void reshardKeepsEveryBitInAnyNumberOfFiles() throws IOException {
        String copy = folder.resolve("copy").toString();
        call(new ReshardCommand(), run, copy, "--files", "3");
        assertTrue(Files.exists(folder.resolve("copy/step-00000002/rank-0002.bin")));
        assertTrue(call(new VerifyCommand(), copy).contains("all checksums match"));
        assertEquals("12 of 12 tensors are equal", call(new DiffCommand(), run, copy).strip());
    }

    /** For an archive: the data set may be gone when the copy is asked for text. */
    @Test
    void reshardTakesTheTokenizerOfTheDataAlong() throws IOException {
        Path data = folder.resolve("data");
        byte[][] letters = {{'a'}, {'b'}, {'c'}};
        Tokenizer words = new TrainedVocabulary(PreTokenizer.GPT2, letters, new int[0], new int[0], new int[0])
                .tokenizer(new SpecialTokens("<s>", "</s>", List.of(), false));
        TokenizerFiles.write(data, words, 32);
        CheckpointMeta trained = new CheckpointMeta(3, SaveKind.PERMANENT, Fixtures.MODEL, "data:\n  path: " + data + "\n",
                Map.of("tokenizer", words.fingerprint()), Fixtures.meta(3).state());
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            Fixtures.save(store, trained, Fixtures.filled(Fixtures.wholeState(), 3), Fixtures.KEEP_ALL);
        }
        String copy = folder.resolve("archive").toString();
        String said = call(new ReshardCommand(), run, copy);
        assertTrue(said.endsWith("its tokenizer beside the weights\n"), said);
        Files.delete(data.resolve("tokenizer.json"));
        Path kept = CheckpointTokenizer.unpack(CheckpointStore.open(copy).openNewest()).orElseThrow();
        assertEquals(words.fingerprint(), Tokenizer.load(kept).fingerprint());
        assertTrue(call(new ReshardCommand(), run + "/step-00000003", folder.resolve("without").toString()).contains("without a tokenizer"));
    }

    /** A copy without moments beside the run's own checkpoint would be what the run goes on from. */
    @Test
    void reshardDoesNotTakeTheRunsPlace() throws IOException {
        UserError e = assertThrows(UserError.class, () -> call(new ReshardCommand(), run, run, "--weights-only"));
        assertTrue(e.getMessage().startsWith(run + " has a checkpoint of step 2 already, step-00000002"), e.getMessage());
        try (CheckpointStore owner = CheckpointStore.open(folder.resolve("other"))) {
            owner.cleanUp();
            UserError busy = assertThrows(UserError.class, () -> call(new ReshardCommand(), run, folder.resolve("other").toString()));
            assertTrue(busy.getMessage().contains("other is being written by another run"), busy.getMessage());
        }
        call(new ReshardCommand(), run, folder.resolve("other").toString());
        assertFalse(Files.exists(folder.resolve("other/.owner")));
    }

    @Test
    void wrongNumbersAreRefused() {
        assertEquals("--newest must be at least 1: -1", assertThrows(UserError.class, () -> call(new LsCommand(), run, "--newest", "-1")).getMessage());
    }

    @Test
    void reshardShrinksToWeightsInBfloat16() {
        String copy = folder.resolve("copy").toString();
        call(new ReshardCommand(), run + "/step-00000001", copy, "--weights-only", "--dtype", "bf16");
        Checkpoint c = CheckpointStore.open(copy).openNewest();
        assertEquals(4, c.tensorNames().size());
        assertEquals(DType.BF16, c.dtype("model.norm.weight"));
        List<BoxData> back = Fixtures.wholeState().subList(0, 4).stream().map(b -> Fixtures.empty(b, DType.BF16)).toList();
        c.load(BACKEND, back);
        assertEquals(List.of(), Fixtures.differences(back, 1));
        UserError wrong = assertThrows(UserError.class, () -> call(new ReshardCommand(), run, copy, "--dtype", "int8"));
        assertEquals("--dtype must be keep, f32 or bf16: int8", wrong.getMessage());
    }

    @Test
    void aStepThatIsNotThereIsSaidSo() {
        UserError e = assertThrows(UserError.class, () -> call(new VerifyCommand(), run + "/step-00000009"));
        assertTrue(e.getMessage().startsWith("no checkpoint step-00000009 in "), e.getMessage());
    }

    private static String call(Object command, String... arguments) {
        StringWriter out = new StringWriter();
        call(command, out, arguments);
        return out.toString();
    }

    private static void call(Object command, StringWriter out, String... arguments) {
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
    }
}
