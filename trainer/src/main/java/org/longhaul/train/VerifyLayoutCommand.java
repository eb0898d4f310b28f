package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.longhaul.batch.TokenSource;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.parallel.Mesh;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul verify-layout}: proves on the user's own model and data that layouts train alike. */
@Command(name = "verify-layout", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Trains some steps from the same weights on the same samples under several layouts and compares losses, "
                + "gradient norms, every gradient and every updated weight with one rank.",
        footer = {"", "Alone, it runs all ranks as threads on the CPU. Under launch or srun each process is a rank on its own device "
                + "(launch --share-gpus: on one that it shares), and the layouts are of their number. The whole model is brought to the host several times: shrink it with overrides.",
            "", "Examples: longhaul verify-layout configs/7b.yaml model.layers=4 model.d_model=512 model.heads=8 --random",
            "          longhaul launch --nproc 4 verify-layout configs/7b.yaml model.layers=4 --layouts tp4,pp2.tp2 --random"})
final class VerifyLayoutCommand implements Callable<Integer> {
    private static final List<String> USUAL = List.of(
            "dp2", "dp4", "tp2", "tp4", "pp2", "pp4", "pp2.v2", "pp4.v2", "dp2.tp2", "pp2.tp2", "pp2.dp2", "pp2.dp2.tp2");

    /** Steps of a long run part by rounding; their losses stay this close. */
    private static final double CURVE = 1e-2;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "CONFIG", description = "A training job as YAML.")
    private Path file;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides.")
    private List<String> overrides = List.of();

    @Option(names = "--layouts", split = ",", paramLabel = "LAYOUT",
            description = "Layouts such as tp2, pp4.v2 or pp2.dp2.tp2; by default all usual ones of up to 8 ranks that the model fits.")
    private List<String> layouts = List.of();

    @Option(names = "--steps", paramLabel = "N", defaultValue = "3", description = "Steps (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--random", description = "Take random tokens instead of the job's shards.")
    private boolean random;

    @Option(names = "--curves", paramLabel = "FILE",
            description = "Write loss and gradient norm of every step, of each layout and of one rank, as JSON lines; then only losses are judged.")
    private Path curves;

    /** Throws UserError where every one of so many processes would refuse these words; those that are no such command at all are left to them. */
    static void requireFits(List<String> words, int processes) {
        VerifyLayoutCommand command = new VerifyLayoutCommand();
        CommandLine.ParseResult parsed;
        try {
            parsed = new CommandLine(command).parseArgs(words.toArray(String[]::new));
        } catch (CommandLine.ParameterException e) {
            return;
        }
        if (!parsed.isUsageHelpRequested() && !parsed.isVersionHelpRequested() && processes > 1) {
            command.fitting(command.meshes(command.config()), processes);
        }
    }

    private TrainConfig config() {
        TrainConfig config = ConfigLoader.load(file, overrides, TrainConfig.class);
        if (steps < 1) {
            throw UserError.badInput("--steps must be at least 1: " + steps);
        }
        return config;
    }

    @Override
    public Integer call() {
        TrainConfig config = config();
        TokenSource tokens = random ? new RandomTokens(config.model().vocab(), config.seed()) : TrainData.open(config).train();
        List<Mesh> meshes = meshes(config);
        RankEnvironment self = RankEnvironment.detect(System.getenv());
        return self.worldSize() == 1 ? threads(config, tokens, meshes) : processes(config, tokens, meshes, self);
    }

    private int threads(TrainConfig config, TokenSource tokens, List<Mesh> meshes) {
        if (config.device().kind() == DeviceConfig.Kind.CUDA) {
            throw UserError.badInput("on GPUs each rank is a process of its own: longhaul launch --nproc N verify-layout …");
        }
        LayoutRun reference = run(config, Mesh.single(), tokens);
        head();
        boolean good = true;
        for (Mesh mesh : meshes) {
            LayoutRun run = run(config, mesh, tokens);
            curves(mesh, run, reference);
            good &= line(mesh, run, reference, Tolerance.of(DType.F32, false));
        }
        return verdict(good);
    }

    private int processes(TrainConfig config, TokenSource tokens, List<Mesh> meshes, RankEnvironment self) {
        List<Mesh> fitting = fitting(meshes, self.worldSize());
        RankSetup setup = RankSetup.open(config.device(), fitting.get(0), config.ranks(), self);
        try {
            LayoutRun reference = alone(config, tokens, self, setup);
            boolean good = true;
            for (Mesh mesh : fitting) {
                if (mesh != fitting.get(0)) {
                    RankSetup last = setup;
                    setup = null;
                    setup = last.relaid(config.device(), mesh, config.ranks(), self, LayoutName.of(mesh));
                }
                good &= compare(config, tokens, mesh, reference, self, setup);
            }
            return self.rank() == 0 ? verdict(good) : ExitCode.DONE.status();
        } finally {
            if (setup != null) {
                setup.close();
            }
        }
    }

    private List<Mesh> fitting(List<Mesh> meshes, int processes) {
        List<Mesh> fitting = layouts.isEmpty() ? meshes.stream().filter(m -> m.size() == processes).toList() : meshes;
        if (fitting.isEmpty() || fitting.stream().anyMatch(m -> m.size() != processes)) {
            throw UserError.badInput(processes + " processes verify layouts of as many ranks: name such with --layouts");
        }
        return fitting;
    }

    // The others wait at the store: in a collective they would hold a GPU that they share, and the time until it ends would count.
    private LayoutRun alone(TrainConfig config, TokenSource tokens, RankEnvironment self, RankSetup setup) {
        return setup.sharing(() -> {
            SharedMemory.requireRoom(config.over(Mesh.single()), Mesh.single(), setup, RankEnvironment.alone());
            LayoutRun run = self.rank() == 0 ? LayoutRun.alone(config, tokens, steps, setup.backend()) : null;
            setup.savers().all(true);
            if (run != null) {
                head();
            }
            return run;
        });
    }

    private boolean compare(TrainConfig config, TokenSource tokens, Mesh mesh, LayoutRun reference, RankEnvironment self, RankSetup setup) {
        return setup.sharing(() -> {
            SharedMemory.requireRoom(config.over(mesh), mesh, setup, self);
            LayoutRun run = LayoutRun.acrossProcesses(config.over(mesh), tokens, steps, setup, config.output().resolve("verify-layout"));
            if (reference == null) {
                return true;
            }
            curves(mesh, run, reference);
            boolean gpu = config.device().kind() == DeviceConfig.Kind.CUDA;
            return line(mesh, run, reference, Tolerance.of(setup.backend().computeType(), gpu));
        });
    }

    private void head() {
        print("%-14s %12s %12s %12s %12s  %s", "layout", "loss", "norm", "gradients", "weights", "largest gradient difference");
    }

    private void curves(Mesh mesh, LayoutRun run, LayoutRun reference) {
        if (curves == null) {
            return;
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < reference.losses().size(); i++) {
            text.append(String.format(
                    Locale.ROOT, "{\"layout\": \"%s\", \"step\": %d, \"loss\": %.9g, \"alone\": %.9g, \"grad_norm\": %.9g, \"alone_grad_norm\": %.9g}%n",
                    LayoutName.of(mesh), i + 1, run.losses().get(i), reference.losses().get(i), run.norms().get(i), reference.norms().get(i)));
        }
        try {
            Files.writeString(curves, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw UserError.environment(curves + ": cannot be written: " + Reason.of(e), e);
        }
    }

    private boolean line(Mesh mesh, LayoutRun run, LayoutRun reference, Tolerance tolerance) {
        double loss = worst(run.losses(), reference.losses());
        double norm = worst(run.norms(), reference.norms());
        GlobalTensors.Difference gradients = run.gradients().against(reference.gradients());
        GlobalTensors.Difference weights = run.weights().against(reference.weights());
        boolean within = curves != null ? loss <= CURVE : loss <= tolerance.loss() && norm <= tolerance.norm()
                && gradients.relative() <= tolerance.gradients() && weights.relative() <= tolerance.weights();
        print("%-14s %12.2e %12.2e %12.2e %12.2e  %s%s", LayoutName.of(mesh), loss, norm, gradients.relative(), weights.relative(),
                gradients.tensor(), within ? "" : "  TOO LARGE");
        if (!within) {
            if (curves != null) {
                print("%-14s %12.2e", "tolerance", CURVE);
            } else {
                print("%-14s %12.2e %12.2e %12.2e %12.2e", "tolerance", tolerance.loss(), tolerance.norm(), tolerance.gradients(),
                        tolerance.weights());
            }
        }
        return within;
    }

    private int verdict(boolean good) {
        print("%s", good ? "every layout trains as one rank does" : "not every layout trains as one rank does");
        return good ? ExitCode.DONE.status() : ExitCode.INTERNAL.status();
    }

    private List<Mesh> meshes(TrainConfig config) {
        List<Mesh> meshes = new ArrayList<>();
        for (String word : layouts.isEmpty() ? USUAL : layouts) {
            Mesh mesh = LayoutName.parse(word);
            try {
                config.requireFits(mesh);
                meshes.add(mesh);
            } catch (IllegalArgumentException e) {
                if (!layouts.isEmpty()) {
                    throw UserError.badInput("layout " + word + " does not fit: " + e.getMessage(), e);
                }
            }
        }
        if (meshes.isEmpty()) {
            throw UserError.badInput("none of the usual layouts fits the model and batch; name some with --layouts");
        }
        return meshes;
    }

    private LayoutRun run(TrainConfig config, Mesh mesh, TokenSource tokens) {
        return LayoutRun.inProcess(config.over(mesh), tokens, steps, rank -> device(config), config.ranks().stallTimeout());
    }

    private static Backend device(TrainConfig config) {
        return RankSetup.backend(config.device());
    }

    private void print(String format, Object... values) {
        spec.commandLine().getOut().println(String.format(Locale.ROOT, format, values));
        spec.commandLine().getOut().flush();
    }

    private static double worst(List<Double> run, List<Double> reference) {
        double worst = 0;
        for (int i = 0; i < reference.size(); i++) {
            double relative = Math.abs(run.get(i) - reference.get(i)) / Math.abs(reference.get(i));
            worst = relative <= worst ? worst : Double.isNaN(relative) ? Double.POSITIVE_INFINITY : relative;
        }
        return worst;
    }

    /**
     * How far a layout may be from one rank, relative to the norm of each tensor. Weights may differ more than gradients: Adam
     * divides by the root of the second moment, so that an element whose gradient is rounding noise moves by the whole rate.
     */
    private record Tolerance(double loss, double norm, double gradients, double weights) {
        static Tolerance of(DType type, boolean gpu) {
            if (type != DType.F32) {
                return new Tolerance(2e-3, 2e-2, 3e-2, 3e-2);
            }
            // A GPU's products add up in another order for every shape.
            return gpu ? new Tolerance(1e-5, 1e-5, 1e-5, 1e-3) : new Tolerance(2e-6, 2e-6, 2e-6, 1e-3);
        }
    }
}
