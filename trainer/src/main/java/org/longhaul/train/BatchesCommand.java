package org.longhaul.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.longhaul.batch.SampleOrder;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul bench batches}: the very token ids of a run's first steps, for another trainer to repeat. */
@Command(name = "batches", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Writes the token ids and learning rates of a job's first steps, for scripts/parity/torch_curve.py.")
final class BatchesCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "CONFIG", description = "The job as YAML.")
    private Path file;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides.")
    private List<String> overrides = List.of();

    @Option(names = "--steps", paramLabel = "N", required = true, description = "Number of steps.")
    private int steps;

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "File: a line of JSON, then int32 ids [steps, accumulate, micro_batch, context + 1].")
    private Path out;

    @Override
    public Integer call() {
        TrainConfig config = ConfigLoader.load(file, overrides, TrainConfig.class);
        if (steps < 1 || steps > config.steps()) {
            throw UserError.badInput("--steps must lie between 1 and the job's " + config.steps() + ": " + steps);
        }
        TrainData data = TrainData.open(config);
        try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(out))) {
            stream.write((new ObjectMapper().writeValueAsString(header(config)) + "\n").getBytes(StandardCharsets.UTF_8));
            write(stream, config, new SampleOrder(data.train(), config.model().context(), config.seed(), config.data().stage()));
        } catch (IOException e) {
            throw UserError.environment(out + ": cannot be written: " + Reason.of(e), e);
        }
        return ExitCode.DONE.status();
    }

    private Map<String, Object> header(TrainConfig config) {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("steps", steps);
        header.put("accumulate", config.batch().accumulation(1));
        header.put("micro_batch", config.batch().microBatch());
        header.put("sequence", config.model().context());
        if (config.data().documentMask()) {
            // Enough to find documents without the tables that we read: each ends with this id.
            header.put("end_of_document", ShardSet.open(config.data().path()).manifest().endOfDocument());
        }
        header.put("schedule", LongStream.rangeClosed(1, steps).mapToDouble(s -> config.schedule().at(s, config.steps())).toArray());
        Map<String, Object> adam = new LinkedHashMap<>();
        adam.put("beta1", config.optimizer().beta1());
        adam.put("beta2", config.optimizer().beta2());
        adam.put("epsilon", config.optimizer().epsilon());
        adam.put("weight_decay", config.optimizer().weightDecay());
        adam.put("clip", config.optimizer().clip());
        header.put("adam", adam);
        return header;
    }

    private void write(OutputStream stream, TrainConfig config, SampleOrder order) throws IOException {
        int context = config.model().context();
        int[] inputs = new int[context];
        int[] targets = new int[context];
        ByteBuffer bytes = ByteBuffer.allocate(4 * (context + 1)).order(ByteOrder.LITTLE_ENDIAN);
        for (long k = 0; k < (long) steps * config.batch().sequences(); k++) {
            order.read(k, inputs, targets, 0);
            bytes.clear();
            bytes.putInt(inputs[0]);
            bytes.asIntBuffer().put(targets);
            stream.write(bytes.array());
        }
    }
}
