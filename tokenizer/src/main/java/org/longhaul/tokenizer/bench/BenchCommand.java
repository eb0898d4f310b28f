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
    @Parameters(paramLabel = "INPUT", arity = "0..*", description = "Files or folders; each file is timed by itself.")
    private List<Path> inputs = List.of();

    @Option(names = {"-t", "--tokenizer"}, paramLabel = "FILE", description = "tokenizer.json or its folder; needed unless only jtokkit is compared.")
    private Path tokenizer;

    @Option(names = "--threads", paramLabel = "N", split = ",", defaultValue = "1", description = "Numbers of threads to time (default:"
            + " ${DEFAULT-VALUE}); with several, plain arithmetic shows what the machine gives.")
    private List<Integer> threads;

    @Option(names = "--jtokkit", description = "Compare with jtokkit too, on cl100k, which both know.")
    private boolean jtokkit;

    @Option(names = "--alone", description = "Time only this tokenizer.")
    private boolean alone;

    @Option(names = "--pathological", description = "Time 16 MB of one letter, of one Han character and of random bytes too.")
    private boolean pathological;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "3", description = "Least processor time measured for each (default: ${DEFAULT-VALUE}); as much warms up.")
    private double seconds;

    @Option(names = "--limit-mb", paramLabel = "N", defaultValue = "16", description = "Text taken of each file (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Option(names = "--field", paramLabel = "FIELD", defaultValue = "text", description = "Key of the text in JSON lines (default: ${DEFAULT-VALUE}).")
    private String field;

    @Override
    public Integer call() {
        if (tokenizer == null && !jtokkit) {
            throw UserError.badInput("name a tokenizer with --tokenizer, or compare with --jtokkit");
        }
        if (threads.stream().anyMatch(n -> n < 1)) {
            throw UserError.badInput("--threads must be 1 or more: " + threads);
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
                    compare(workload, ours, peer == null ? null : "Hugging Face", peer == null ? null : peer::encode);
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
                compare(workload, ours, "jtokkit", peer::count);
            }
        }
        return 0;
    }

    private interface Peer<T> {
        T encode(String text);
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

    private void compare(Workload workload, Tokenizer ours, String name, Peer<?> peer) {
        List<Contest.Contestant> contestants = new ArrayList<>();
        contestants.add(new Contest.Contestant("longhaul", n -> {
            TokenBuffer[] buffers = new TokenBuffer[n];
            return new Texts(workload) {
                @Override
                void encode(int text, int thread) {
                    TokenBuffer buffer = buffers[thread];
                    if (buffer == null) {
                        // Made by the thread that writes to it.
                        buffer = buffers[thread] = new TokenBuffer(1 << 16);
                    }
                    buffer.clear();
                    ours.encode(workload.bytes().get(text), 0, workload.bytes().get(text).length, buffer);
                }
            };
        }));
        if (peer != null) {
            contestants.add(new Contest.Contestant(name, n -> new Texts(workload) {
                @Override
                void encode(int text, int thread) {
                    peer.encode(workload.strings().get(text));
                }
            }));
        }
        new Contest(threads, seconds).run(workload, contestants).forEach(System.out::println);
    }

    /** The texts of a workload, a few at a time. */
    private abstract static class Texts implements Stopwatch.Work {
        private final int[][] blocks;

        Texts(Workload workload) {
            blocks = workload.blocks();
        }

        @Override
        public int items() {
            return blocks.length;
        }

        @Override
        public void run(int item, int thread) {
            for (int text : blocks[item]) {
                encode(text, thread);
            }
        }

        abstract void encode(int text, int thread);
    }
}
