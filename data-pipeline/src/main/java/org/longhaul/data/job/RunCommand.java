package org.longhaul.data.job;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul data run CONFIG [key=value …]}. */
@Command(name = "run", description = "Turn raw text into token shards: filter, deduplicate, remix, tokenise, shuffle. A killed run goes on where it was.",
        footer = {"", "Example: longhaul data run configs/data/real-corpus.yaml root=/data/corpus output.dir=/data/shards"})
final class RunCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "CONFIG", description = "YAML file; docs/configuration.md explains its keys.")
    private Path config;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides, such as output.dir=/data/shards or inputs.web.path=/dumps/web.")
    private List<String> overrides = new ArrayList<>();

    @Option(names = "--overwrite", description = "Replace a finished data set in output.dir that was made with another configuration or other inputs.")
    private boolean overwrite;

    @Override
    public void run() {
        DataConfig loaded = ConfigLoader.load(config, overrides, DataConfig.class);
        Report report;
        try {
            report = new Pipeline(loaded, overwrite).run();
        } catch (RuntimeException e) {
            if (ending()) {
                // Spark's own shutdown hook has taken the context from under the running job: no defect, whatever the exception.
                throw UserError.environment("stopped by a signal; the same command goes on where it was", e);
            }
            throw e;
        }
        ReportText.summary(report).forEach(spec.commandLine().getOut()::println);
    }

    // Java tells so only by refusing a hook.
    private static boolean ending() {
        Thread hook = new Thread(() -> { });
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            Runtime.getRuntime().removeShutdownHook(hook);
            return false;
        } catch (IllegalStateException e) {
            return true;
        }
    }
}
