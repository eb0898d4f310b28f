package org.longhaul.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.parallel.ShardedArena;
import org.longhaul.parallel.ShardedArena.Bucket;

/**
 * Where each parameter of one rank lies in its flat arenas: matrices, which decay, come first in order of use, then the norm
 * weights. Offsets are in elements and alike for weights and gradients.
 */
public final class ParameterLayout {
    /** Each parameter starts at a multiple of this many elements, so that it is aligned in every type of two bytes and more. */
    public static final long ALIGNMENT = 128;

    private final ModelConfig config;
    private final StageRange stage;
    private final int tensorRank;
    private final int tensorSize;
    private final List<ParameterSpec> parameters = new ArrayList<>();
    private final List<Long> offsets = new ArrayList<>();
    private final Map<String, Integer> indexes = new HashMap<>();
    private final List<Bucket> buckets = new ArrayList<>();
    private final long decayed;
    private final long elements;

    /**
     * The layout of one rank.
     *
     * @param dataSize number of data-parallel ranks that share the optimizer's state
     */
    public ParameterLayout(ModelConfig config, StageRange stage, int tensorRank, int tensorSize, int dataSize) {
        this.config = config;
        this.stage = stage;
        this.tensorRank = tensorRank;
        this.tensorSize = tensorSize;
        requireDivisible("heads", config.heads());
        requireDivisible("kv_heads", config.kvHeads());
        requireDivisible("ffn", config.ffn());
        requireDivisible("vocab", config.vocab());
        long at = 0;
        if (stage.first()) {
            at = bucket("embedding", List.of(embedding()), at, dataSize, true);
        }
        for (int layer = stage.firstLayer(); layer < stage.endLayer(); layer++) {
            at = bucket("layers." + layer, matrices(layer), at, dataSize, true);
        }
        if (stage.last()) {
            at = bucket("head", List.of(matrix("head", rows("lm_head.weight", config.vocab(), config.dModel()))), at, dataSize, true);
        }
        decayed = at;
        elements = bucket("norms", norms(), at, dataSize, false);
    }

    /** The layout of a model on one rank. */
    public static ParameterLayout single(ModelConfig config) {
        return new ParameterLayout(config, StageRange.whole(config), 0, 1, 1);
    }

    /** The model's shape. */
    public ModelConfig config() {
        return config;
    }

    /** The layers held. */
    public StageRange stage() {
        return stage;
    }

    /** All parameters by rising offset. */
    public List<ParameterSpec> parameters() {
        return List.copyOf(parameters);
    }

    /** First element of a parameter in the flat arenas. */
    public long offset(int index) {
        return offsets.get(index);
    }

    /** Index of a parameter by its local name. */
    public int index(String name) {
        Integer index = indexes.get(name);
        if (index == null) {
            throw new IllegalArgumentException("no parameter " + name + " in this stage");
        }
        return index;
    }

    /**
     * Ranges whose gradients complete together: the embedding, each layer's matrices, the head, and last the norm weights, which
     * alone do not decay. Each is padded so that the data-parallel ranks share it evenly.
     */
    public List<Bucket> buckets() {
        return List.copyOf(buckets);
    }

    /** Index of the embedding's bucket; first stage only. */
    public int embeddingBucket() {
        return 0;
    }

    /** Index of a layer's bucket. */
    public int layerBucket(int layer) {
        return layer - stage.firstLayer() + (stage.first() ? 1 : 0);
    }

    /** Index of the head's bucket; last stage only. */
    public int headBucket() {
        return normBucket() - 1;
    }

    /** Index of the norm weights' bucket. */
    public int normBucket() {
        return buckets.size() - 1;
    }

    /** End of the part that decays, and that is different on every tensor-parallel rank. */
    public long decayed() {
        return decayed;
    }

    /** Length of the flat arenas with padding. */
    public long elements() {
        return elements;
    }

    /** Number of parameters held here, without padding. */
    public long parameterCount() {
        return parameters.stream().mapToLong(ParameterSpec::elements).sum();
    }

    /** Part of a flat arena that is a box of a global tensor. */
    public record Piece(ParameterSpec parameter, Box box, long offset) {}

    /** The boxes held between two flat offsets; a range that cuts a row yields up to three boxes of that matrix. */
    public List<Piece> pieces(long from, long to) {
        List<Piece> pieces = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
            long at = offsets.get(i);
            for (Box box : parameters.get(i).boxes()) {
                long first = Math.max(from, at);
                long end = Math.min(to, at + box.elements());
                if (first < end) {
                    cut(pieces, parameters.get(i), box, at, first - at, end - at);
                }
                at += box.elements();
            }
        }
        return pieces;
    }

    private static void cut(List<Piece> pieces, ParameterSpec spec, Box box, long at, long from, long to) {
        long width = box.extent().length == 1 ? box.elements() : box.extent()[1];
        while (from < to) {
            long column = from % width;
            long rows = (to - from) / width;
            long end = column != 0 || rows == 0 ? Math.min(to, from - column + width) : from + rows * width;
            pieces.add(new Piece(spec, part(box, width, from, end), at + from));
            from = end;
        }
    }

    private static Box part(Box box, long width, long from, long to) {
        if (box.extent().length == 1) {
            return new Box(box.tensor(), box.globalShape(), new long[] {box.offset()[0] + from}, new long[] {to - from});
        }
        long column = from % width;
        long rows = Math.max(1, (to - from) / width);
        return new Box(
                box.tensor(), box.globalShape(), new long[] {box.offset()[0] + from / width, box.offset()[1] + column},
                new long[] {rows, (to - from) / rows});
    }

    // Appends parameters whose gradients complete together and returns the padded end.
    private long bucket(String name, List<ParameterSpec> specs, long from, int dataSize, boolean decay) {
        long at = from;
        for (ParameterSpec spec : specs) {
            at = pad(at, ALIGNMENT);
            indexes.put(spec.name(), parameters.size());
            parameters.add(spec);
            offsets.add(at);
            at += spec.elements();
        }
        long end = from + ShardedArena.padded(at - from, dataSize);
        buckets.add(new Bucket(name, from, end, decay));
        return end;
    }

    private ParameterSpec embedding() {
        return matrix("embedding", rows("model.embed_tokens.weight", config.vocab(), config.dModel()));
    }

    private List<ParameterSpec> matrices(int layer) {
        List<ParameterSpec> specs = new ArrayList<>();
        long d = config.dModel();
        long head = config.headDim();
        String global = "model.layers." + layer + ".";
        String local = "layers." + layer + ".";
        specs.add(matrix(local + "qkv",
                rows(global + "self_attn.q_proj.weight", config.heads() * head, d),
                rows(global + "self_attn.k_proj.weight", config.kvHeads() * head, d),
                rows(global + "self_attn.v_proj.weight", config.kvHeads() * head, d)));
        specs.add(matrix(local + "out", columns(global + "self_attn.o_proj.weight", d, config.heads() * head)));
        specs.add(matrix(local + "gate_up",
                rows(global + "mlp.gate_proj.weight", config.ffn(), d), rows(global + "mlp.up_proj.weight", config.ffn(), d)));
        specs.add(matrix(local + "down", columns(global + "mlp.down_proj.weight", d, config.ffn())));
        return specs;
    }

    private List<ParameterSpec> norms() {
        List<ParameterSpec> specs = new ArrayList<>();
        for (int layer = stage.firstLayer(); layer < stage.endLayer(); layer++) {
            specs.add(norm("layers." + layer + ".attention_norm", "model.layers." + layer + ".input_layernorm.weight"));
            specs.add(norm("layers." + layer + ".ffn_norm", "model.layers." + layer + ".post_attention_layernorm.weight"));
        }
        if (stage.last()) {
            specs.add(norm("norm", "model.norm.weight"));
        }
        return specs;
    }

    private ParameterSpec norm(String name, String global) {
        long[] shape = {config.dModel()};
        return new ParameterSpec(name, shape, true, List.of(Box.whole(global, shape)));
    }

    private static ParameterSpec matrix(String name, Box... boxes) {
        long rows = 0;
        for (Box box : boxes) {
            rows += box.extent()[0];
        }
        return new ParameterSpec(name, new long[] {rows, boxes[0].extent()[1]}, false, List.of(boxes));
    }

    // This rank's share of a matrix that is split by output rows.
    private Box rows(String tensor, long rows, long columns) {
        long share = rows / tensorSize;
        return new Box(tensor, new long[] {rows, columns}, new long[] {share * tensorRank, 0}, new long[] {share, columns});
    }

    // This rank's share of a matrix that is split by input columns.
    private Box columns(String tensor, long rows, long columns) {
        long share = columns / tensorSize;
        return new Box(tensor, new long[] {rows, columns}, new long[] {0, share * tensorRank}, new long[] {rows, share});
    }

    private void requireDivisible(String key, int value) {
        if (value % tensorSize != 0) {
            throw new IllegalArgumentException(
                    key + " must be a multiple of the tensor-parallel size " + tensorSize + ": " + value);
        }
    }

    private static long pad(long n, long multiple) {
        return (n + multiple - 1) / multiple * multiple;
    }
}
