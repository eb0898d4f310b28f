package org.longhaul.data.sample;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul data sample-corpus}: writes the small corpus of the quickstart. */
@Command(name = "sample-corpus", description = "Writes a small multilingual corpus with planted duplicates and junk, in every input format, for trying the pipeline.")
final class SampleCorpusCommand implements Callable<Integer> {
    @Option(names = "--material", paramLabel = "DIR", required = true, description = "Folder with the sentences (*.txt), such as configs/quickstart/corpus.")
    private Path material;

    @Option(names = "--documents", paramLabel = "N", defaultValue = "150", description = "Clean documents of each language (default: ${DEFAULT-VALUE}).")
    private int documents;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Seed (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Parameters(paramLabel = "OUT", description = "Folder to write.")
    private Path out;

    @Override
    public Integer call() {
        if (documents < 1 || documents > 9999) {
            throw UserError.badInput("--documents must be between 1 and 9999: " + documents);
        }
        Map<String, Integer> counts = new SampleCorpus(SampleCorpus.materials(material), seed).write(out, documents);
        System.out.println("wrote " + out + ":");
        counts.forEach((kind, count) -> System.out.printf("  %,6d %s%n", count, kind));
        return ExitCode.DONE.status();
    }
}
