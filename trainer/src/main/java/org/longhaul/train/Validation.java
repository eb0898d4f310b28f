package org.longhaul.train;

import java.util.Arrays;
import org.longhaul.batch.TokenSource;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Loss over a token stream in disjoint windows, each predicted without what came before it; within documents where the model was trained so.
 *
 * @param loss mean in nats a token
 * @param bitsPerByte nats over ln 2 and the UTF-8 bytes of the text that the tokens stand for
 * @param tokens predicted
 */
record Validation(double loss, double bitsPerByte, long tokens) {
    private static final int IGNORE = -100;

    /**
     * Measures; every rank of the job calls it and gets the answer. Data-parallel ranks take batches in turn.
     *
     * @param bytesPerToken of the split: text bytes over tokens
     * @param limit most tokens to predict, 0 for all
     */
    static Validation of(TokenLosses model, TokenSource source, double bytesPerToken, int batch, int context, long limit) {
        long predictable = Math.max(0, source.tokens() - 1);
        long count = limit == 0 ? predictable : Math.min(limit, predictable);
        int size = batch * context;
        int[] inputs = new int[size];
        int[] targets = new int[size];
        int[] documents = new int[size];
        float[] losses = new float[size];
        int replicas = model.groups().data().size();
        int replica = model.groups().data().rank();
        double nats = 0;
        model.begin();
        for (long n = replica; n * size < count; n += replicas) {
            Arrays.fill(inputs, 0);
            Arrays.fill(targets, IGNORE);
            int here = (int) Math.min(size, count - n * size);
            source.read(n * size, inputs, 0, here);
            source.read(n * size + 1, targets, 0, here);
            if (model.withinDocuments()) {
                documents(source, n * size, here, context, documents);
            }
            if (model.losses(inputs, targets, documents, losses) && model.groups().tensor().rank() == 0) {
                // Summed on the host in double: the mean of millions of tokens needs the digits.
                for (float loss : losses) {
                    nats += loss;
                }
            }
        }
        double loss = count == 0 ? Double.NaN : overAll(model, nats) / count;
        return new Validation(loss, loss / Math.log(2) / bytesPerToken, count);
    }

    private static void documents(TokenSource source, long from, int count, int context, int[] documents) {
        Arrays.fill(documents, 0);
        for (int at = 0; at < count; at += context) {
            int here = Math.min(context, count - at);
            source.documentStarts(from + at, documents, at, here);
            // What fills the window up is a document of its own.
            Arrays.fill(documents, at + here, at + context, here);
        }
    }

    // A double travels as two floats.
    private static double overAll(TokenLosses model, double mine) {
        if (model.groups().world().size() == 1) {
            return mine;
        }
        Backend backend = model.backend();
        try (Arena arena = backend.allocate("validation sum", Arena.ALIGNMENT)) {
            Tensor sum = arena.tensor("validation sum", 0, DType.F32, 2);
            float high = (float) mine;
            Host.put(backend, sum, high, (float) (mine - high));
            model.groups().world().allReduce(sum, ReduceOp.SUM, backend.computeStream());
            float[] both = Host.floats(backend, sum);
            return (double) both[0] + both[1];
        }
    }
}
