package org.longhaul.data.job;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.longhaul.cli.Progress;
import org.longhaul.shards.PageSumAdder;
import org.longhaul.shards.ShardVerifier;
import org.longhaul.tokenizer.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul data add-sums DIR}. */
@Command(name = "add-sums", description = "Gives a data set made by an older Longhaul the checksums that training holds what it reads against. Reads every file that lacks them, "
        + "refuses damaged ones, writes a small file beside each and a new manifest; the fingerprint stays, so runs go on with it.")
final class AddSumsCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "Folder of the data set.")
    private Path folder;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        PageSumAdder adder = PageSumAdder.open(folder);
        int shards = adder.shards();
        boolean tokenizer = adder.tokenizer();
        if (shards == 0 && !tokenizer) {
            out.println(folder + ": nothing here lacks checksums");
            return;
        }
        AtomicLong read = new AtomicLong();
        double total = adder.bytes();
        try (Progress progress = Progress.start(Duration.ofSeconds(10))) {
            adder.add(ShardVerifier.threads(), bytes -> {
                long now = read.addAndGet(bytes);
                progress.update(() -> String.format(Locale.ROOT, "add-sums %s: %.1f of %.1f GB", folder, now / 1e9, total / 1e9));
            }, file -> Tokenizer.load(file).fingerprint());
        }
        out.println(folder + ": checksums added to " + shards + (shards == 1 ? " shard" : " shards") + (tokenizer ? " and the tokenizer" : ""));
    }
}
