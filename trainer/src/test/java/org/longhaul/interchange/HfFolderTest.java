package org.longhaul.interchange;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointCommands;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.cli.CommandProvider;
import org.longhaul.error.UserError;
import org.longhaul.generate.GenerateCommands;
import org.longhaul.tensor.DType;
import org.longhaul.tokenizer.PreTokenizer;
import org.longhaul.tokenizer.SpecialTokens;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.TokenizerFiles;
import org.longhaul.tokenizer.TrainedVocabulary;
import picocli.CommandLine;

/** Export and import by ourselves, and what is said about folders that do not fit. */
class HfFolderTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @Test
    void exportAndImportGiveTheSameBitsAndLogits() throws IOException {
        List<Integer> tokens = IntStream.range(0, 20).boxed().toList();
        try (SmallModel model = new SmallModel(SmallModel.config(2)); CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            model.randomise(1);
            Checkpoint saved = model.save(store, Map.of());
            float[] before = model.logits(tokens);
            for (long shard : new long[] {1 << 30, 50_000}) {
                Path exported = folder.resolve("export" + shard);
                new HfExport(saved, DType.F32, shard, null).write(exported);
                try (HfFolder hf = HfFolder.open(exported); CheckpointStore back = CheckpointStore.open(folder.resolve("back" + shard))) {
                    assertEquals(SmallModel.config(2), hf.model());
                    assertTrue(hf.stores(DType.F32));
                    assertEquals(0, ExportCheck.compare(saved, hf).maxDifference());
                    back.write(new CheckpointMeta(0, SaveKind.PERMANENT, hf.model(), "", Map.of(), null), hf.weights(null), 1);
                    model.randomise(2);
                    model.load(back.openNewest());
                    assertArrayEquals(before, model.logits(tokens));
                }
            }
            assertEquals(List.of("config.json", "generation_config.json", "model.safetensors"), names(folder.resolve("export" + (1 << 30))));
            assertTrue(Files.exists(folder.resolve("export50000").resolve("model.safetensors.index.json")));
            UserError full = assertThrows(UserError.class, () -> new HfExport(saved, DType.F32, 1 << 30, null).write(folder));
            assertTrue(full.getMessage().contains("is not empty"), full.getMessage());
        }
    }

    @Test
    void theTokenizerOfTheDataSetIsFoundOnlyWhereItIsTheOneTrainedWith() throws IOException {
        Path data = folder.resolve("data");
        byte[][] letters = {{'a'}, {'b'}, {'c'}};
        Tokenizer words = new TrainedVocabulary(PreTokenizer.GPT2, letters, new int[0], new int[0], new int[0])
                .tokenizer(new SpecialTokens("<s>", "</s>", List.of(), false));
        String yaml = "data:\n  path: " + data + "\n";
        assertNull(HfExport.tokenizerOf(meta(yaml, words.fingerprint()), folder.toString()));
        TokenizerFiles.write(data, words, 32);
        assertEquals(data, HfExport.tokenizerOf(meta(yaml, words.fingerprint()), folder.toString()));
        assertNull(HfExport.tokenizerOf(meta(yaml, "another"), folder.toString()));
        assertNull(HfExport.tokenizerOf(meta("", words.fingerprint()), folder.toString()));
        try (SmallModel model = new SmallModel(SmallModel.config(2)); CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            Checkpoint saved = model.save(store, Map.of("tokenizer", words.fingerprint()));
            new HfExport(saved, DType.BF16, 1 << 30, data).write(folder.resolve("with"));
            assertEquals(3, JSON.readTree(folder.resolve("with/config.json").toFile()).get("bos_token_id").asInt());
            assertEquals(4, JSON.readTree(folder.resolve("with/generation_config.json").toFile()).get("eos_token_id").asInt());
            assertTrue(Files.exists(folder.resolve("with/tokenizer_config.json")));
            Checkpoint other = model.save(store, Map.of("tokenizer", "another"));
            UserError e = assertThrows(UserError.class, () -> new HfExport(other, DType.BF16, 1 << 30, data).write(folder.resolve("not")));
            assertTrue(e.getMessage().contains("is not the tokenizer that"), e.getMessage());
        }
    }

    private static String run(String... words) {
        StringWriter said = new StringWriter();
        CommandLine root = new CommandLine(new Root());
        for (CommandProvider provider : List.of(new InterchangeCommands(), new GenerateCommands(), new CheckpointCommands())) {
            provider.commands().forEach(c -> root.addSubcommand(c.command()));
        }
        UserError[] failed = new UserError[1];
        root.setOut(new PrintWriter(said, true)).setExecutionExceptionHandler((e, line, parsed) -> {
            failed[0] = (UserError) e;
            return 1;
        });
        int status = root.execute(words);
        if (failed[0] != null) {
            throw failed[0];
        }
        assertEquals(0, status, said.toString());
        return said.toString();
    }

    @CommandLine.Command
    private static final class Root {}

    @Test
    void anImportedCheckpointKnowsItsTokenizer() throws IOException {
        byte[][] letters = {{'a'}, {'b'}, {'c'}};
        Tokenizer words = new TrainedVocabulary(PreTokenizer.GPT2, letters, new int[0], new int[0], new int[0])
                .tokenizer(new SpecialTokens("<s>", "</s>", List.of(), false));
        Path data = folder.resolve("data");
        TokenizerFiles.write(data, words, 32);
        try (SmallModel model = new SmallModel(SmallModel.config(2)); CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            model.randomise(1);
            Checkpoint saved = model.save(store, Map.of());
            new HfExport(saved, DType.F32, 1 << 30, data).write(folder.resolve("with"));
            new HfExport(saved, DType.F32, 1 << 30, null).write(folder.resolve("without"));
        }
        Files.writeString(folder.resolve("with/chat_template.jinja"), "{{ messages }}");
        String imported = folder.resolve("imported").toString();
        run("import-hf", folder.resolve("with").toString(), imported);
        String text = run("generate", imported, "--prompt", "ab", "--tokens", "5", "--seed", "3");
        assertTrue(text.startsWith("ab"), text);
        assertEquals(text, run("generate", imported, "--prompt", "ab", "--tokens", "5", "--seed", "3", "--tokenizer", data.resolve("tokenizer.json").toString()));
        String resharded = folder.resolve("resharded").toString();
        run("reshard", imported, resharded);
        assertEquals(text, run("generate", resharded, "--prompt", "ab", "--tokens", "5", "--seed", "3"));
        run("export-hf", resharded, folder.resolve("again").toString(), "--dtype", "f32");
        assertEquals(Files.readString(data.resolve("tokenizer.json")), Files.readString(folder.resolve("again/tokenizer.json")));
        assertEquals("{{ messages }}", Files.readString(folder.resolve("again/chat_template.jinja")));
        run("verify", imported);

        String bare = folder.resolve("bare").toString();
        String said = run("import-hf", folder.resolve("without").toString(), bare);
        assertTrue(said.startsWith(folder.resolve("without") + " has no tokenizer.json: the checkpoint knows no tokenizer"), said);
        assertTrue(assertThrows(UserError.class, () -> run("generate", bare)).getMessage().contains("name it with --tokenizer"));
    }

    /** A chat template or a setting decides what a served model sees, though the ids stay the same. */
    @Test
    void whatIsChangedAddedOrLostBesideAnImportIsNamed() throws IOException {
        byte[][] letters = {{'a'}, {'b'}, {'c'}};
        Path data = folder.resolve("data");
        TokenizerFiles.write(data, new TrainedVocabulary(PreTokenizer.GPT2, letters, new int[0], new int[0], new int[0])
                .tokenizer(new SpecialTokens("<s>", "</s>", List.of(), false)), 32);
        try (SmallModel model = new SmallModel(SmallModel.config(2)); CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            model.randomise(1);
            new HfExport(model.save(store, Map.of()), DType.F32, 1 << 30, data).write(folder.resolve("with"));
        }
        Files.writeString(folder.resolve("with/chat_template.jinja"), "{{ messages }}");
        String imported = folder.resolve("imported").toString();
        run("import-hf", folder.resolve("with").toString(), imported);
        Path step = Path.of(imported, "step-00000000");
        for (String name : List.of("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")) {
            Path kept = step.resolve(name);
            String content = Files.readString(kept);
            Files.writeString(kept, content + " ");
            named(imported, kept + " is not the file that was saved: its checksum is another");
            Files.delete(kept);
            named(imported, kept + " is missing");
            Files.writeString(kept, content);
            run("verify", imported);
        }
        Files.writeString(step.resolve("special_tokens_map.json"), "{}");
        named(imported, step.resolve("special_tokens_map.json") + " is not of this checkpoint: its manifest has no such file");
    }

    private void named(String imported, String begins) {
        for (String[] command : new String[][] {{"generate", imported, "--prompt", "ab"}, {"export-hf", imported, folder.resolve("never").toString()},
                {"reshard", imported, folder.resolve("never-either").toString()}}) {
            UserError told = assertThrows(UserError.class, () -> run(command));
            assertEquals(2, told.exitCode().status());
            assertTrue(told.getMessage().startsWith(begins), told.getMessage());
        }
        assertThrows(UserError.class, () -> run("verify", imported));
    }

    private static CheckpointMeta meta(String yaml, String tokenizer) {
        return new CheckpointMeta(1, SaveKind.PERMANENT, SmallModel.config(2), yaml, Map.of("tokenizer", tokenizer), null);
    }

    @Test
    void configurationsThatDifferAreRefusedByKey() throws IOException {
        Path good = export();
        refused(good, c -> c.put("model_type", "mistral"), "model_type mistral cannot be imported");
        refused(good, c -> c.put("hidden_act", "gelu"), "hidden_act gelu");
        refused(good, c -> c.put("attention_bias", true), "attention_bias true");
        refused(good, c -> c.putObject("rope_scaling").put("rope_type", "llama3"), "rotary embeddings of type llama3");
        refused(good, c -> c.put("head_dim", 32), "head_dim 32 times num_attention_heads 4 is not hidden_size 64");
        refused(good, c -> c.remove("intermediate_size"), "has no whole number intermediate_size");
        refused(good, c -> c.put("num_hidden_layers", 4), "has no tensor model.layers.3.self_attn.q_proj.weight");
        refused(good, c -> c.put("num_hidden_layers", 2), "has tensors that this decoder has no place for: [model.layers.2.");
        refused(good, c -> c.put("vocab_size", 97), "tensor model.embed_tokens.weight has shape [96, 64], config.json says [97, 64]");
    }

    @Test
    void tiedEmbeddingsBecomeTwoTensors() throws IOException {
        Path good = export();
        Path config = good.resolve("config.json");
        Path weights = good.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        // The name of the head is overwritten in the header, as if it were not there.
        String header = new String(bytes, 8, (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(), StandardCharsets.UTF_8);
        String tied = header.replace("\"lm_head.weight\"", "\"x.rotary_emb.inv_freq\"");
        tied = tied.stripTrailing();
        int length = (tied.length() + 7) / 8 * 8;
        ByteBuffer changed = ByteBuffer.allocate(8 + length + bytes.length - 8 - header.length()).order(ByteOrder.LITTLE_ENDIAN);
        changed.putLong(length).put(tied.getBytes(StandardCharsets.UTF_8)).put(" ".repeat(length - tied.length()).getBytes(StandardCharsets.UTF_8));
        changed.put(bytes, 8 + header.length(), bytes.length - 8 - header.length());
        Files.write(weights, changed.array());
        assertTrue(message(good).contains("has no tensor lm_head.weight"), message(good));
        ObjectNode node = (ObjectNode) JSON.readTree(config.toFile());
        JSON.writeValue(config.toFile(), node.put("tie_word_embeddings", true));
        try (HfFolder hf = HfFolder.open(good); CheckpointStore back = CheckpointStore.open(folder.resolve("back"))) {
            back.write(new CheckpointMeta(0, SaveKind.PERMANENT, hf.model(), "", Map.of(), null), hf.weights(DType.F32), 1);
            Checkpoint c = back.openNewest();
            assertArrayEquals(bytes(c, "model.embed_tokens.weight"), bytes(c, "lm_head.weight"));
        }
    }

    private static byte[] bytes(Checkpoint checkpoint, String name) throws IOException {
        var out = new java.io.ByteArrayOutputStream();
        checkpoint.stream(checkpoint.box(name), DType.F32, part -> {
            byte[] copy = new byte[part.remaining()];
            part.get(copy);
            out.write(copy, 0, copy.length);
        });
        return out.toByteArray();
    }

    @Test
    void damagedWeightFilesAreNamed() throws IOException {
        Path weights = export().resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(bytes, bytes.length - 10));
        assertTrue(message(weights.getParent()).contains("does not fit the"), message(weights.getParent()));
        Files.write(weights, Arrays.copyOf(bytes, 100));
        assertTrue(message(weights.getParent()).contains("is not a safetensors file, or cut short"), message(weights.getParent()));
        byte[] noise = bytes.clone();
        Arrays.fill(noise, 8, 40, (byte) 'x');
        Files.write(weights, noise);
        assertTrue(message(weights.getParent()).contains("its header is not JSON"), message(weights.getParent()));
        Files.delete(weights);
        assertTrue(message(weights.getParent()).contains("has neither model.safetensors nor"), message(weights.getParent()));
    }

    @Test
    void halfPrecisionBecomesSingle() {
        // Every finite half value against its definition: sign, 2^(e-15), 1.m or 0.m.
        for (int bits = 0; bits < 1 << 16; bits++) {
            int e = bits >> 10 & 31;
            int m = bits & 1023;
            if (e == 31) {
                continue;
            }
            double value = e == 0 ? m / 1024.0 * Math.pow(2, -14) : (1 + m / 1024.0) * Math.pow(2, e - 15);
            assertEquals((float) ((bits & 0x8000) == 0 ? value : -value), Float16.toFloat((short) bits));
        }
        assertEquals(Float.POSITIVE_INFINITY, Float16.toFloat((short) 0x7c00));
        assertTrue(Float.isNaN(Float16.toFloat((short) 0x7e00)));
    }

    @Test
    void headersAreByteForByteWhatTheFormatSays() {
        byte[] header = Safetensors.header(List.of(new Safetensors.Entry("a", Safetensors.Type.BF16, new long[] {2, 3}, 0)));
        String json = "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]}}";
        assertEquals(0, header.length % 8);
        assertEquals(header.length - 8, ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getLong());
        assertEquals(json, new String(header, 8, header.length - 8, StandardCharsets.UTF_8).strip());
    }

    private Path export() throws IOException {
        try (SmallModel model = new SmallModel(SmallModel.config(2)); CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            new HfExport(model.save(store, Map.of()), DType.BF16, 1 << 30, null).write(folder.resolve("good"));
            return folder.resolve("good");
        }
    }

    private static void refused(Path good, Consumer<ObjectNode> change, String message) throws IOException {
        Path config = good.resolve("config.json");
        byte[] before = Files.readAllBytes(config);
        ObjectNode node = (ObjectNode) JSON.readTree(before);
        change.accept(node);
        JSON.writeValue(config.toFile(), node);
        String got = message(good);
        assertTrue(got.contains(message), got);
        Files.write(config, before);
    }

    private static String message(Path at) {
        return assertThrows(UserError.class, () -> HfFolder.open(at).close()).getMessage();
    }

    private static List<String> names(Path at) throws IOException {
        try (var all = Files.list(at)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }
}
