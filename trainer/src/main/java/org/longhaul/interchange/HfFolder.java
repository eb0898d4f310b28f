package org.longhaul.interchange;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.longhaul.checkpoint.StreamedBox;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.interchange.Safetensors.Entry;
import org.longhaul.model.Box;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterSpec;
import org.longhaul.tensor.DType;

/** A Hugging Face Llama folder opened for reading: its shape, and every weight of our decoder as a stream. */
final class HfFolder implements Closeable {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";

    private final Path folder;
    private final HfConfig config;
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, SafetensorsFile> owners = new LinkedHashMap<>();

    private HfFolder(Path folder, HfConfig config) {
        this.folder = folder;
        this.config = config;
    }

    /** Opens and checks that every weight is there in its shape, and none that would be left out. */
    static HfFolder open(Path folder) {
        try {
            HfFolder f = new HfFolder(folder, HfConfig.read(folder));
            try {
                for (Path file : f.weightFiles()) {
                    f.add(file);
                }
                f.check();
                return f;
            } catch (IOException | RuntimeException e) {
                f.close();
                throw e;
            }
        } catch (IOException e) {
            throw UserError.environment("cannot read " + folder + ": " + Reason.of(e), e);
        }
    }

    ModelConfig model() {
        return config.model();
    }

    /** Whether all weights are stored in this type. */
    boolean stores(DType dtype) {
        return entries.values().stream().allMatch(e -> e.type().name().equals(dtype.name()));
    }

    /** Every weight of our decoder; {@code dtype} null keeps bf16 and fp32 as stored (fp16 becomes fp32). */
    List<StreamedBox> weights(DType dtype) {
        List<StreamedBox> out = new ArrayList<>();
        for (Box box : boxes(config.model())) {
            String name = source(box.tensor());
            Entry entry = entries.get(name);
            DType type = dtype != null ? dtype : entry.type() == Safetensors.Type.BF16 ? DType.BF16 : DType.F32;
            out.add(new StreamedBox(box, type, sink -> owners.get(name).stream(entry, type, sink)));
        }
        return out;
    }

    /** All tensors of a model, whole, in the order of the layers. */
    static List<Box> boxes(ModelConfig model) {
        List<Box> boxes = new ArrayList<>();
        for (ParameterSpec spec : ParameterLayout.single(model).parameters()) {
            boxes.addAll(spec.boxes());
        }
        return boxes;
    }

    private String source(String tensor) {
        return config.tied() && tensor.equals(HEAD) && !entries.containsKey(HEAD) ? EMBEDDING : tensor;
    }

    private List<Path> weightFiles() throws IOException {
        Path index = folder.resolve(INDEX);
        if (!Files.exists(index)) {
            Path single = folder.resolve(SINGLE);
            if (!Files.exists(single)) {
                throw UserError.badInput(folder + " has neither " + SINGLE + " nor " + INDEX
                        + "; weights as PyTorch pickles must be saved as safetensors first");
            }
            return List.of(single);
        }
        JsonNode map = new ObjectMapper().readTree(Files.readAllBytes(index)).path("weight_map");
        TreeSet<String> names = new TreeSet<>();
        map.forEach(n -> names.add(n.asText()));
        List<Path> files = new ArrayList<>();
        for (String name : names) {
            Path file = folder.resolve(name).normalize();
            if (!file.getParent().equals(folder.normalize()) || !Files.exists(file)) {
                throw UserError.badInput(index + " names " + name + ", which is not there");
            }
            files.add(file);
        }
        return files;
    }

    private void add(Path file) throws IOException {
        SafetensorsFile opened = SafetensorsFile.open(file);
        files.add(opened);
        opened.entries().forEach((name, entry) -> {
            if (entries.put(name, entry) != null) {
                throw UserError.badInput(file + ": tensor " + name + " is in another file too");
            }
            owners.put(name, opened);
        });
    }

    private void check() {
        TreeSet<String> unknown = new TreeSet<>(entries.keySet());
        for (Box box : boxes(config.model())) {
            String name = source(box.tensor());
            Entry entry = entries.get(name);
            if (entry == null) {
                throw UserError.badInput(folder + " has no tensor " + name);
            }
            if (!Arrays.equals(entry.shape(), box.globalShape())) {
                throw UserError.badInput(folder + ": tensor " + name + " has shape " + Arrays.toString(entry.shape()) + ", "
                        + HfConfig.NAME + " says " + Arrays.toString(box.globalShape()));
            }
            unknown.remove(name);
        }
        // Old exports carry the rotary frequencies, which the configuration determines.
        unknown.removeIf(name -> name.endsWith("rotary_emb.inv_freq"));
        if (!unknown.isEmpty()) {
            throw UserError.badInput(folder + " has tensors that this decoder has no place for: " + unknown);
        }
    }

    @Override
    public void close() throws IOException {
        for (SafetensorsFile f : files) {
            f.close();
        }
    }
}
