package org.longhaul.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.longhaul.config.ConfigReference;
import org.longhaul.config.ConfigReference.Root;
import org.longhaul.error.ExitCode;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul docs config}: the configuration reference, made from the records that the files bind to. */
@Command(name = "config", description = "Writes the configuration reference (Markdown) to FILE or to the standard output.")
final class ConfigPage implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "FILE", description = "Where to write it, such as docs/configuration.md.")
    private Path file;

    @Option(names = "--check", description = "Write nothing; exit with 2 when FILE is not what would be written.")
    private boolean check;

    @Override
    public Integer call() {
        return write(page(), file, check);
    }

    /** The reference of every configuration file on the class path. */
    static String page() {
        List<Root> roots = new ArrayList<>();
        ServiceLoader.load(ConfigReference.Provider.class).forEach(provider -> roots.addAll(provider.roots()));
        roots.sort(Comparator.comparing(Root::title));
        return ConfigReference.markdown(roots);
    }

    static int write(String page, Path file, boolean check) {
        if (file == null) {
            if (check) {
                throw UserError.badInput("--check needs the FILE to compare with");
            }
            System.out.print(page);
            System.out.flush();
            return ExitCode.DONE.status();
        }
        try {
            if (!check) {
                Files.writeString(file, page);
            } else if (!Files.exists(file) || !Files.readString(file).equals(page)) {
                throw UserError.badInput(file + " is not what the code says; write it anew with 'longhaul docs config " + file + "'");
            }
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be " + (check ? "read" : "written") + ": " + Reason.of(e), e);
        }
        return ExitCode.DONE.status();
    }
}
