package org.longhaul.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.config.ConfigLoader;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.error.ExitCode;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.metrics.Flops;
import org.longhaul.model.ModelConfig;
import org.longhaul.tensor.StepMeter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul bench ranks}: the training step of a job under its layout, as train runs it, without data and checkpoints. */
@Command(name = "ranks", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures the training step of a job under its mesh on random tokens: step time, tokens a second and GPU, and how long each "
                + "rank waits for others. One process, or each rank under launch or srun.",
        footer = {"", "Example: longhaul launch --nproc 4 bench ranks configs/7b.yaml mesh.data=4 batch.sequences=128 --json dp4.json"})
final class BenchRanksCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "CONFIG", description = "A training job as YAML.")
    private Path file;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides.")
    private List<String> overrides = List.of();

    @Option(names = "--steps", paramLabel = "N", defaultValue = "6", description = "Measured steps; the median counts (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--warmup", paramLabel = "N", defaultValue = "3", description = "Steps before them (default: ${DEFAULT-VALUE}).")
    private int warmup;

    @Option(names = "--name", paramLabel = "NAME", defaultValue = "longhaul", description = "Names the line (default: ${DEFAULT-VALUE}).")
    private String name;

    @Option(names = "--json", paramLabel = "FILE", description = "Append the result as a line.")
    private Path json;

    @Override
    public Integer call() {
        TrainConfig config = ConfigLoader.load(file, overrides, TrainConfig.class);
        if (steps < 1 || warmup < 1) {
            throw UserError.badInput("--steps and --warmup must be at least 1: " + steps + ", " + warmup);
        }
        RankEnvironment self = RankEnvironment.detect(System.getenv());
        try (RankSetup setup = RankSetup.open(config.device(), config.mesh(), config.ranks(), self)) {
            TrainJob.requireFits(config, setup.groups().mesh().size());
            Map<String, Object> result = setup.sharing(() -> {
                SharedMemory.requireRoom(config, setup.groups().mesh(), setup, self);
                return measure(config, setup);
            });
            if (setup.groups().rank() == 0) {
                report(result);
            }
        }
        return ExitCode.DONE.status();
    }

    private Map<String, Object> measure(TrainConfig config, RankSetup setup) {
        long before = Math.max(0, setup.backend().usedBytes());
        Profiling profiling = new Profiling(config, setup.backend(), setup.groups(), setup.peakFlops());
        // What is profiled comes behind what is measured.
        long last = Math.max(warmup + steps, config.profile().range().map(ProfileConfig.Range::last).orElse(0L));
        try (Engine engine = new Engine(config, profiling.backend(), profiling.groups());
                StepMeter meter = setup.backend().stepMeter()) {
            profiling.of(engine);
            engine.initialise(config.seed());
            SampleOrder order = new SampleOrder(
                    new RandomTokens(config.model().vocab(), config.seed()), config.model().context(), config.seed(), config.data().stage());
            double[] seconds = new double[steps];
            double[] waiting = new double[steps];
            double loss = 0;
            for (int step = 1; step <= last; step++) {
                int measured = step - warmup - 1;
                profiling.before(step);
                long start = System.nanoTime();
                meter.begin();
                engine.gradients(order, (step - 1L) * config.batch().sequences(), false, Wish.NONE);
                engine.update(config.schedule().at(step, Math.max(step, config.steps())), step, step);
                meter.end();
                setup.backend().synchronize();
                if (measured >= 0 && measured < steps) {
                    seconds[measured] = (System.nanoTime() - start) / 1e9;
                    waiting[measured] = meter.read().waiting();
                }
                loss = engine.scalars().take()[0].lossSum() / config.tokensPerStep();
                profiling.after(step, step == last);
            }
            // Beside other ranks on the GPU only what this one allocated itself is known.
            double peak = !(setup.backend() instanceof CudaBackend gpu) ? 0 : (gpu.settings().shared() ? gpu.heldBytes() : gpu.usedBytes() - before) / (double) (1 << 30);
            return result(config, setup, seconds, waiting, peak, loss);
        }
    }

    private Map<String, Object> result(TrainConfig config, RankSetup setup, double[] seconds, double[] waiting, double peak, double loss) {
        Arrays.sort(seconds);
        Arrays.sort(waiting);
        double median = seconds[seconds.length / 2];
        int ranks = setup.groups().mesh().size();
        double speed = config.tokensPerStep() / median / ranks;
        ModelConfig m = config.model();
        double body = 72.0 * m.layers() * m.dModel() * m.dModel() + 12.0 * m.layers() * m.dModel() * m.context();
        double head = 6.0 * m.dModel() * m.vocab();
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("program", name);
        line.put("layout", LayoutName.of(setup.groups().mesh()));
        line.put("device", setup.backend().hardware().isEmpty() ? setup.backend().name() : setup.backend().hardware());
        line.put("shared_gpu", setup.backend() instanceof CudaBackend gpu && gpu.settings().shared());
        line.put("precision", config.device().fp8() ? "fp8" : setup.backend().computeType().name().toLowerCase(Locale.ROOT));
        line.put("ranks", ranks);
        line.put("parameters", Flops.parameters(m));
        line.put("micro_batch", config.batch().microBatch());
        line.put("accumulate", config.batch().accumulation(setup.groups().mesh().data()));
        line.put("overlap_reduce", config.ranks().overlapReduce());
        line.put("overlap_gather", config.ranks().overlapGather());
        line.put("tensor_chunks", setup.groups().mesh().tensor() > 1 ? config.ranks().tensorChunks(config.device()) : 1);
        line.put("prefetch_receives", config.ranks().prefetchReceives());
        line.put("step_s", median);
        line.put("fastest_step_s", seconds[0]);
        line.put("waiting_s", waiting[waiting.length / 2]);
        line.put("tokens_per_s_per_gpu", speed);
        line.put("tflops_body", speed * body / 1e12);
        line.put("tflops_with_head", speed * (body + head) / 1e12);
        line.put("peak_gib", peak);
        line.put("plan_gib", RankMemory.of(config, setup.groups().mesh()).get(setup.groups().stage()).total() / (double) (1 << 30));
        line.put("loss", loss);
        return line;
    }

    private void report(Map<String, Object> r) {
        spec.commandLine().getOut().println(String.format(
                Locale.ROOT, "%-24s %-12s %8.1f ms a step  %,11.1f tokens/s a rank  %7.1f TFLOP/s  rank 0 waits %5.1f %%  %6.1f GiB  loss %.4f",
                r.get("program"), r.get("layout"), 1e3 * (Double) r.get("step_s"), r.get("tokens_per_s_per_gpu"), r.get("tflops_with_head"),
                100 * (Double) r.get("waiting_s") / (Double) r.get("step_s"), r.get("peak_gib"), r.get("loss")));
        spec.commandLine().getOut().flush();
        if (json != null) {
            try {
                Files.writeString(json, new ObjectMapper().writeValueAsString(r) + "\n", StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw UserError.environment(json + ": cannot be written: " + Reason.of(e), e);
            }
        }
    }
}
