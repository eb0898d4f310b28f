package org.longhaul.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.longhaul.checkpoint.DataPlace;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.metrics.LossCurve;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardSet;
import org.longhaul.train.TrainConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul summary}: what a run reached, against what token frequencies alone would reach. */
@Command(name = "summary",
        description = "What a training run reached, also while it goes on: loss before and after against the unigram entropy of the data, bits per byte, "
                + "speed, starts and ends; draws loss.svg.")
final class SummaryCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "RUN", description = "Output folder of the run, with metrics.jsonl.")
    private Path run;

    @Option(names = "--data", paramLabel = "DIR", description = "The data set that it trained on (default: the one that its config.yaml names).")
    private Path data;

    @Option(names = "--split", paramLabel = "SPLIT", defaultValue = "validation", description = "Split whose unigram entropy counts (default: ${DEFAULT-VALUE}).")
    private String split;

    @Option(names = "--must-beat-unigram", description = "Exit with status 2 when the loss is not below the unigram entropy.")
    private boolean mustBeatUnigram;

    @Override
    public Integer call() {
        Path file = run.resolve("metrics.jsonl");
        if (!Files.exists(file)) {
            throw UserError.badInput(file + ": no such file; " + run + " is not the output folder of a run");
        }
        ShardSet shards = ShardSet.open(data != null ? data : trainedOn());
        ShardSet measured = data != null ? shards : config().validation().path().map(named -> ShardSet.open(place(named, Optional.empty()))).orElse(shards);
        RunSummary summary = RunSummary.of(read(file), measured.split(split).unigramEntropy(), file.toString());
        PrintWriter out = spec.commandLine().getOut();
        summary.lines().forEach(out::println);
        Path history = run.resolve("history.jsonl");
        if (Files.exists(history)) {
            RunHistory.lines(read(history)).forEach(out::println);
        }
        Path failures = run.resolve("failures.jsonl");
        if (Files.exists(failures)) {
            RunHistory.causes(read(failures)).forEach(out::println);
        }
        LossCurve.draw(run, shards.split("train").unigramEntropy()).ifPresent(curve -> out.println("loss curve  " + curve));
        if (mustBeatUnigram && !summary.belowUnigramEntropy()) {
            throw UserError.badInput(String.format("%s: the loss %.3f is not below the unigram entropy %.3f", run, summary.finalLoss(), summary.unigramEntropy()));
        }
        return ExitCode.DONE.status();
    }

    private TrainConfig config() {
        Path file = run.resolve("config.yaml");
        if (!Files.exists(file)) {
            throw UserError.badInput(file + ": no such file; name the data set with --data");
        }
        return ConfigLoader.load(file, List.of(), TrainConfig.class);
    }

    private Path trainedOn() {
        Path named = config().data().path();
        Path history = run.resolve("history.jsonl");
        return place(named, !Files.exists(history) ? Optional.empty()
                : read(history).stream().filter(line -> line.has("data")).reduce((a, b) -> b).map(line -> Path.of(line.get("data").asText())));
    }

    private Path place(Path named, Optional<Path> kept) {
        return DataPlace.having(ShardManifest.FILE, DataPlace.candidates(named, kept, Optional.of(run)), named, run.toString(), "--data");
    }

    private static List<JsonNode> read(Path file) {
        try {
            return MetricsFile.read(file);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e), e);
        }
    }
}
