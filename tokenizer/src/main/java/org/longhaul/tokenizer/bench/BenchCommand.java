package org.longhaul.tokenizer.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.TokenBuffer;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.text.TextFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul bench tokenizer}: this tokenizer beside Hugging Face's and jtokkit, in one process, equal ids before any timing. */
@Command(name = "tokenizer", description = "Encode the same texts with Longhaul, Hugging Face's tokenizers and jtokkit, in one process;"
        + " compare all ids, then time, both warm.")
public final class BenchCommand implements Callable<Integer> {
    private static final int TURNS = 3;

    @Parameters(paramLabel = "INPUT", arity = "0..*", description = "Files or folders; each file is timed by itself.")
    private List<Path> inputs = List.of();

    @Option(names = {"-t", "--tokenizer"}, paramLabel = "FILE", description = "tokenizer.json or its folder; needed unless only jtokkit is compared.")
    private Path tokenizer;

    @Option(names = "--threads", split = ",", defaultValue = "1", description = "Numbers of threads to time (default: ${DEFAULT-VALUE}).")
    private List<Integer> threads;

    @Option(names = "--jtokkit", description = "Compare with jtokkit too, on cl100k, which both know.")
    private boolean jtokkit;

    @Option(names = "--alone", description = "Time only this tokenizer.")
    private boolean alone;

    @Option(names = "--pathological", description = "Time 16 MB of one letter, of one Han character and of random bytes too.")
    private boolean pathological;

    @Option(names = "--seconds", defaultValue = "3", description = "Least time measured for each (default: ${DEFAULT-VALUE}); as much warms up.")
    private double seconds;

    @Option(names = "--limit-mb", defaultValue = "16", description = "Text taken of each file (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Option(names = "--field", defaultValue = "text", description = "Key of the text in JSON lines (default: ${DEFAULT-VALUE}).")
    private String field;

    /** Encodes all texts of a thread's share. */
    private interface Encoder {
        void encode(Workload workload, int thread, int threads);
    }

    @Override
    public Integer call() {
        if (tokenizer == null && !jtokkit) {
            throw UserError.badInput("name a tokenizer with --tokenizer, or compare with --jtokkit");
        }
        List<Workload> workloads = new ArrayList<>();
        if (!inputs.isEmpty()) {
            for (Path file : TextFiles.of(inputs, field).files()) {
                workloads.add(Workload.of(file, field, limit * 1_000_000L));
            }
        }
        System.out.printf("%s, %d processors, Java %s%n", System.getProperty("os.name"), Runtime.getRuntime().availableProcessors(),
                System.getProperty("java.version"));
        if (tokenizer != null) {
            Tokenizer ours = Tokenizer.load(tokenizer);
            try (HuggingFacePeer peer = alone ? null : HuggingFacePeer.load(tokenizer)) {
                System.out.printf("%s: %,d tokens, fingerprint %s%n", tokenizer, ours.vocabSize(), ours.fingerprint().substring(0, 16));
                for (Workload workload : workloads) {
                    if (peer != null) {
                        identical(ours, workload, "Hugging Face", peer::encode);
                    }
                    compare(workload, ours, peer == null ? null : "Hugging Face", peer == null ? null : (w, t, n) -> shares(w, t, n, peer::encode));
                }
                if (pathological) {
                    Workload.pathological().forEach(workload -> compare(workload, ours, null, null));
                }
            }
        }
        if (jtokkit) {
            JtokkitPeer peer = JtokkitPeer.load();
            Tokenizer ours = JtokkitPeer.ours();
            System.out.printf("cl100k: %,d tokens%n", ours.vocabSize());
            for (Workload workload : workloads) {
                identical(ours, workload, "jtokkit", peer::encode);
                compare(workload, ours, "jtokkit", (w, t, n) -> shares(w, t, n, peer::count));
            }
        }
        return 0;
    }

    private interface Peer<T> {
        T encode(String text);
    }

    private static <T> void shares(Workload workload, int thread, int threads, Peer<T> peer) {
        List<String> texts = workload.strings();
        for (int i = thread; i < texts.size(); i += threads) {
            peer.encode(texts.get(i));
        }
    }

    private static void identical(Tokenizer ours, Workload workload, String name, Peer<long[]> peer) {
        long tokens = 0;
        for (int i = 0; i < workload.bytes().size(); i++) {
            int[] a = ours.encode(workload.bytes().get(i));
            int[] b = Arrays.stream(peer.encode(workload.strings().get(i))).mapToInt(id -> (int) id).toArray();
            int at = Arrays.mismatch(a, b);
            if (at >= 0) {
                throw UserError.badInput(workload.name() + ": text " + i + ", token " + at + " differs from " + name + ": no timing before ids are equal");
            }
            tokens += a.length;
        }
        System.out.printf(Locale.ROOT, "%s: %,d ids of %,d texts equal those of %s%n", workload.name(), tokens, workload.bytes().size(), name);
    }

    private void compare(Workload workload, Tokenizer ours, String name, Encoder peer) {
        double one = 0;
        for (int n : threads) {
            TokenBuffer[] buffers = new TokenBuffer[n];
            Arrays.setAll(buffers, i -> new TokenBuffer(1 << 16));
            Stopwatch.Work mine = (t, all) -> {
                List<byte[]> texts = workload.bytes();
                for (int i = t; i < texts.size(); i += all) {
                    buffers[t].clear();
                    ours.encode(texts.get(i), 0, texts.get(i).length, buffers[t]);
                }
            };
            Stopwatch.Work theirs = peer == null ? null : (t, all) -> peer.encode(workload, t, all);
            Stopwatch.measure(mine, n, seconds);
            if (theirs != null) {
                Stopwatch.measure(theirs, n, seconds);
            }
            List<Stopwatch.Round> a = new ArrayList<>();
            List<Stopwatch.Round> b = new ArrayList<>();
            for (int turn = 0; turn < TURNS; turn++) {
                // In turns, so that a change in what else the machine does meets both.
                a.addAll(Stopwatch.measure(mine, n, seconds / TURNS));
                if (theirs != null) {
                    b.addAll(Stopwatch.measure(theirs, n, seconds / TURNS));
                }
            }
            double mb = workload.size() / 1e6;
            double speed = mb / Stopwatch.best(a, Stopwatch.Round::wall);
            one = n == threads.get(0) ? speed : one;
            System.out.printf(Locale.ROOT, "%-26s %d thread%s longhaul %s", workload.name(), n, n == 1 ? " " : "s", speeds(mb, a));
            if (theirs != null) {
                System.out.printf(Locale.ROOT, " | %s %s | ratio %.1f wall, %.1f CPU", name, speeds(mb, b),
                        Stopwatch.median(b, Stopwatch.Round::wall) / Stopwatch.median(a, Stopwatch.Round::wall),
                        Stopwatch.median(b, Stopwatch.Round::cpu) / Stopwatch.median(a, Stopwatch.Round::cpu));
            }
            System.out.println(n == threads.get(0) ? "" : String.format(Locale.ROOT, " | %.2f x the speed of %d thread", speed / one, threads.get(0)));
        }
    }

    private static String speeds(double mb, List<Stopwatch.Round> rounds) {
        return String.format(Locale.ROOT, "%.1f MB/s (best %.1f, per CPU second %.1f)", mb / Stopwatch.median(rounds, Stopwatch.Round::wall),
                mb / Stopwatch.best(rounds, Stopwatch.Round::wall), mb / Stopwatch.median(rounds, Stopwatch.Round::cpu));
    }
}
