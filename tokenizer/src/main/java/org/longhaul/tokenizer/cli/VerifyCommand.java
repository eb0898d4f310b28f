package org.longhaul.tokenizer.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import org.longhaul.cli.Progress;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.TokenBuffer;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.VocabularyShape;
import org.longhaul.tokenizer.bench.HuggingFacePeer;
import org.longhaul.tokenizer.text.TextDocument;
import org.longhaul.tokenizer.text.TextFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul tokenizer verify}: id for id, on a corpus and on invented text. */
@Command(name = "verify", description = "Compare a tokenizer with another file, or with Hugging Face's library, id by id;"
        + " check that all text comes back and that the vocabulary keeps character classes apart.")
final class VerifyCommand implements Callable<Integer> {
    @Option(names = {"-t", "--tokenizer"}, required = true, paramLabel = "FILE", description = "tokenizer.json or its folder.")
    private Path tokenizer;

    @Option(names = "--with", paramLabel = "FILE", description = "Another tokenizer, whose ids must be equal.")
    private Path other;

    @Option(names = "--hugging-face", description = "Hugging Face's library, whose ids for the same file must be equal.")
    private boolean huggingFace;

    @Parameters(paramLabel = "INPUT", arity = "0..*", description = "Files or folders: .jsonl, .jsonl.gz, or plain text.")
    private List<Path> inputs;

    @Option(names = "--field", paramLabel = "FIELD", defaultValue = "text", description = "Key of the text in JSON lines (default: ${DEFAULT-VALUE}).")
    private String field;

    @Option(names = "--fuzz", paramLabel = "N", defaultValue = "0", description = "Invented strings to compare besides.")
    private long fuzz;

    @Option(names = "--fuzz-spaces", paramLabel = "N", defaultValue = "0", description = "Runs of 64 kB of white space to compare besides;"
            + " the library takes up to a second for each.")
    private long spaces;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Seed of the invented strings (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--shape", description = "Check that no token mixes newline, digit, punctuation, Latin and CJK, as DeepSeek LLM's do not.")
    private boolean shape;

    @Option(names = "--threads", paramLabel = "N", description = "Threads (default: the number of processors).")
    private Integer threads;

    private final AtomicLong documents = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong tokens = new AtomicLong();
    private final AtomicLong different = new AtomicLong();
    private final AtomicReference<String> first = new AtomicReference<>();

    @Override
    public Integer call() {
        if ((inputs == null || inputs.isEmpty()) && fuzz <= 0 && spaces <= 0 && !shape) {
            throw UserError.badInput("nothing to verify: name input files, --fuzz N, --fuzz-spaces N or --shape");
        }
        Tokenizer ours = Tokenizer.load(tokenizer);
        List<Reference> references = new ArrayList<>();
        if (other != null) {
            Tokenizer second = Tokenizer.load(other);
            references.add(new Reference(other.toString(), (utf8, text) -> second.encode(utf8)));
        }
        HuggingFacePeer peer = huggingFace ? HuggingFacePeer.load(tokenizer) : null;
        if (peer != null) {
            references.add(new Reference("Hugging Face", (utf8, text) -> Arrays.stream(peer.encode(text)).mapToInt(id -> (int) id).toArray()));
        }
        int workers = Threads.of(threads);
        try (Progress progress = Progress.start(Duration.ofSeconds(10))) {
            if (inputs != null && !inputs.isEmpty()) {
                TextFiles.of(inputs, field).forEach(workers, i -> new TokenBuffer(), (buffer, document) -> {
                    String where = document.file() + ": line " + document.line();
                    compare(ours, references, document, where);
                    progress.update(() -> String.format(Locale.ROOT, "verifying: %,d documents, %,d different", documents.get(), different.get()));
                });
                if (documents.get() == 0) {
                    throw UserError.badInput("no documents in " + inputs + ": nothing was verified");
                }
                report("corpus", references);
            }
            if (fuzz > 0) {
                fuzz(fuzz, FuzzText::of, ours, references, workers, progress);
                report("invented strings, seed " + seed, references);
            }
            if (spaces > 0) {
                fuzz(spaces, FuzzText::spaces, ours, references, workers, progress);
                report("long runs of white space, seed " + seed, references);
            }
        }
        if (shape) {
            VocabularyShape.Report report = VocabularyShape.of(ours);
            System.out.println(report);
            if (!report.holds()) {
                first.compareAndSet(null, report.firstViolation());
                different.incrementAndGet();
            }
        }
        if (peer != null) {
            peer.close();
        }
        if (first.get() != null) {
            throw UserError.badInput(tokenizer + ": " + first.get());
        }
        return 0;
    }

    private record Reference(String name, Encoder encoder) {}

    private interface Encoder {
        int[] encode(byte[] utf8, String text);
    }

    private void report(String what, List<Reference> references) {
        System.out.printf(Locale.ROOT, "%s: %,d texts, %,d bytes, %,d tokens: %,d come back or compare wrong%s%n", what, documents.getAndSet(0),
                bytes.getAndSet(0), tokens.getAndSet(0), different.getAndSet(0), references.isEmpty() ? " (round trip only)"
                        : " (round trip; equal ids: " + String.join(", ", references.stream().map(Reference::name).toList()) + ")");
    }

    private void fuzz(long strings, LongFunction<String> invent, Tokenizer ours, List<Reference> references, int workers, Progress progress) {
        AtomicLong next = new AtomicLong();
        List<Thread> running = new ArrayList<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int i = 0; i < workers; i++) {
            Thread thread = new Thread(() -> {
                try {
                    for (long n = next.getAndIncrement(); n < strings && failure.get() == null; n = next.getAndIncrement()) {
                        String text = invent.apply(seed + n);
                        compare(ours, references, text.getBytes(StandardCharsets.UTF_8), text, "invented string of seed " + (seed + n));
                        progress.update(() -> String.format(Locale.ROOT, "verifying: %,d strings, %,d different", documents.get(), different.get()));
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            });
            thread.start();
            running.add(thread);
        }
        try {
            for (Thread thread : running) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.requeue("interrupted while verifying");
        }
        if (failure.get() instanceof RuntimeException e) {
            throw e;
        } else if (failure.get() instanceof Error e) {
            throw e;
        }
    }

    private void compare(Tokenizer ours, List<Reference> references, TextDocument document, String where) {
        byte[] utf8 = document.copy();
        compare(ours, references, utf8, new String(utf8, StandardCharsets.UTF_8), where);
    }

    private void compare(Tokenizer ours, List<Reference> references, byte[] utf8, String text, String where) {
        int[] ids = ours.encode(utf8);
        documents.incrementAndGet();
        bytes.addAndGet(utf8.length);
        tokens.addAndGet(ids.length);
        boolean wrong = false;
        byte[] back = ours.decode(ids);
        if (!Arrays.equals(back, utf8)) {
            wrong = true;
            first.compareAndSet(null, where + " does not come back, from byte " + Arrays.mismatch(back, utf8) + " on");
        }
        for (Reference reference : references) {
            int[] theirs = reference.encoder.encode(utf8, text);
            int at = Arrays.mismatch(ids, theirs);
            if (at >= 0) {
                wrong = true;
                first.compareAndSet(null, where + ": token " + at + " (byte " + ours.decode(ids, 0, at).length + ") is "
                        + (at < ids.length ? ids[at] : "missing") + ", and " + (at < theirs.length ? theirs[at] : "missing") + " by " + reference.name);
            }
        }
        if (wrong) {
            different.incrementAndGet();
        }
    }
}
