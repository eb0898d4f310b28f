package org.longhaul.model;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.training.GradientCollector;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The oracle: the decoder's formulas written plainly in double precision, differentiated by libtorch's autograd through DJL. */
final class AutogradModel implements AutoCloseable {
    private final ModelConfig config;
    private final NDManager manager = Engine.getEngine("PyTorch").newBaseManager(Device.cpu());
    private final Map<String, NDArray> parameters = new LinkedHashMap<>();

    AutogradModel(ModelConfig config, Map<String, float[]> weights, Map<String, long[]> shapes) {
        this.config = config;
        weights.forEach((name, values) -> {
            NDArray p = manager.create(values, new Shape(shapes.get(name))).toType(DataType.FLOAT64, true);
            p.setRequiresGradient(true);
            parameters.put(name, p);
        });
    }

    /** Total loss of several micro-batches; the gradients stay for {@link #gradient}. */
    double lossAndGradients(List<int[]> tokens, List<int[]> targets, int sequence, double scale, double zLoss) {
        try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
            NDArray total = manager.create(0.0);
            for (int i = 0; i < tokens.size(); i++) {
                total = total.add(loss(tokens.get(i), targets.get(i), sequence, zLoss));
            }
            NDArray scaled = total.mul(scalar(scale));
            collector.backward(scaled);
            return scaled.getDouble();
        }
    }

    double[] gradient(String name) {
        return parameters.get(name).getGradient().toDoubleArray();
    }

    private NDArray loss(int[] tokens, int[] targets, int sequence, double zLoss) {
        int vocab = config.vocab();
        NDArray x = onehot(tokens, vocab).matMul(parameters.get("embedding"));
        for (int layer = 0; layer < config.layers(); layer++) {
            String p = "layers." + layer + ".";
            NDArray a = attention(norm(x, p + "attention_norm").matMul(parameters.get(p + "qkv").transpose()), sequence);
            x = x.add(a.matMul(parameters.get(p + "out").transpose()));
            NDArray gateUp = norm(x, p + "ffn_norm").matMul(parameters.get(p + "gate_up").transpose());
            NDArray gate = gateUp.get(new NDIndex(":, :" + config.ffn()));
            NDArray up = gateUp.get(new NDIndex(":, " + config.ffn() + ":"));
            x = x.add(gate.mul(Activation.sigmoid(gate)).mul(up).matMul(parameters.get(p + "down").transpose()));
        }
        NDArray logits = norm(x, "norm").matMul(parameters.get("head").transpose());
        NDArray lse = logits.exp().sum(new int[] {1}).log();
        NDArray picked = logits.mul(onehot(targets, vocab)).sum(new int[] {1});
        double[] valid = new double[targets.length];
        for (int i = 0; i < valid.length; i++) {
            valid[i] = targets[i] == LossHead.IGNORE ? 0 : 1;
        }
        NDArray perToken = lse.sub(picked).add(lse.square().mul(scalar(zLoss)));
        return perToken.mul(manager.create(valid)).sum();
    }

    private NDArray norm(NDArray x, String weight) {
        NDArray rms = x.square().mean(new int[] {1}, true).add(scalar(config.normEps())).sqrt();
        return x.div(rms).mul(parameters.get(weight));
    }

    private NDArray attention(NDArray qkv, int s) {
        long b = qkv.getShape().get(0) / s;
        int h = config.heads();
        int k = config.kvHeads();
        int c = config.headDim();
        NDArray heads = qkv.reshape(b, s, h + 2L * k, c);
        NDArray q = rotate(heads.get(new NDIndex(":, :, :" + h)), s).transpose(0, 2, 1, 3);
        NDArray key = rotate(heads.get(new NDIndex(":, :, " + h + ":" + (h + k))), s).transpose(0, 2, 1, 3);
        NDArray value = heads.get(new NDIndex(":, :, " + (h + k) + ":")).transpose(0, 2, 1, 3);
        key = key.repeat(1, h / k);
        value = value.repeat(1, h / k);
        NDArray scores = q.matMul(key.transpose(0, 1, 3, 2)).div(scalar(Math.sqrt(c)));
        double[] mask = new double[s * s];
        for (int i = 0; i < s; i++) {
            for (int j = i + 1; j < s; j++) {
                mask[i * s + j] = -1e300;
            }
        }
        NDArray p = scores.add(manager.create(mask, new Shape(1, 1, s, s))).softmax(3);
        return p.matMul(value).transpose(0, 2, 1, 3).reshape(b * s, (long) h * c);
    }

    private NDArray rotate(NDArray x, int s) {
        int half = config.headDim() / 2;
        double[] cos = new double[s * half];
        double[] sin = new double[s * half];
        for (int p = 0; p < s; p++) {
            for (int i = 0; i < half; i++) {
                double angle = p * Math.pow(config.ropeTheta(), -2.0 * i / config.headDim());
                cos[p * half + i] = Math.cos(angle);
                sin[p * half + i] = Math.sin(angle);
            }
        }
        NDArray c = manager.create(cos, new Shape(1, s, 1, half));
        NDArray n = manager.create(sin, new Shape(1, s, 1, half));
        NDArray first = x.get(new NDIndex("..., :" + half));
        NDArray second = x.get(new NDIndex("..., " + half + ":"));
        return NDArrays.concat(new NDList(first.mul(c).sub(second.mul(n)), second.mul(c).add(first.mul(n))), 3);
    }

    /**
     * An operand that lives as long as the graph. Given a plain number, DJL wraps a Java buffer in a tensor, closes it after the
     * operation and lets the buffer be collected, while autograd has saved that very memory for the backward.
     */
    private NDArray scalar(double value) {
        return manager.create(value);
    }

    private NDArray onehot(int[] ids, int depth) {
        double[] values = new double[ids.length * depth];
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] >= 0) {
                values[i * depth + ids[i]] = 1;
            }
        }
        return manager.create(values, new Shape(ids.length, depth));
    }

    @Override
    public void close() {
        manager.close();
    }
}
