package org.longhaul.tokenizer.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.longhaul.cli.Progress;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.picture.Drawing;
import org.longhaul.picture.Picture;
import org.longhaul.tokenizer.TokenBuffer;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.VocabularyShape;
import org.longhaul.tokenizer.text.TextFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul tokenizer stats}: how well a vocabulary fits a corpus. */
@Command(name = "stats", description = "Bytes per token by source and language, unused tokens, longest tokens; as text, as an HTML page and as a picture.")
final class StatsCommand implements Callable<Integer> {
    @Option(names = {"-t", "--tokenizer"}, required = true, paramLabel = "FILE", description = "tokenizer.json or its folder.")
    private Path tokenizer;

    @Parameters(paramLabel = "INPUT", arity = "1..*", description = "Files or folders: .jsonl, .jsonl.gz, or plain text.")
    private List<Path> inputs;

    @Option(names = "--field", paramLabel = "FIELD", defaultValue = "text", description = "Key of the text in JSON lines (default: ${DEFAULT-VALUE}).")
    private String field;

    @Option(names = "--html", paramLabel = "FILE", description = "Write the page here.")
    private Path html;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw the picture here.")
    private Path svg;

    @Option(names = "--png", paramLabel = "FILE", description = "Draw the picture here, in pixels; only where Java finds fonts.")
    private Path png;

    @Option(names = "--threads", paramLabel = "N", description = "Threads (default: the number of processors).")
    private Integer threads;

    @Option(names = "--top", paramLabel = "N", defaultValue = "20", description = "Rows of each list (default: ${DEFAULT-VALUE}).")
    private int top;

    @Override
    public Integer call() {
        Tokenizer t = Tokenizer.load(tokenizer);
        TextFiles files = TextFiles.of(inputs, field);
        AtomicLong read = new AtomicLong();
        TokenStats stats;
        try (Progress progress = Progress.start(Duration.ofSeconds(10))) {
            int workers = Threads.of(threads);
            stats = files.forEach(workers, i -> new TokenStats(t.vocabSize()), (own, document) -> {
                own.buffer.clear();
                t.encode(document.text(), 0, document.length(), own.buffer);
                own.add(document.file().getFileName().toString(), document.source(), document.language(), document.length());
                long bytes = read.addAndGet(document.length());
                progress.update(() -> String.format(Locale.ROOT, "encoding: %,.0f MB", bytes / 1e6));
            }).stream().reduce(TokenStats::plus).orElseThrow();
        }
        System.out.print(text(t, stats));
        if (html != null) {
            write(html, StatsPage.of(tokenizer.toString(), t, stats, top).getBytes(StandardCharsets.UTF_8));
            System.out.println("page: " + html);
        }
        Drawing drawing = new StatsDrawing(tokenizer.toString(), t, stats).drawing();
        if (svg != null) {
            write(svg, Picture.svg(drawing).getBytes(StandardCharsets.UTF_8));
            System.out.println("picture: " + svg);
        }
        if (png != null) {
            write(png, Picture.png(drawing).orElseThrow(() -> UserError.environment(
                    png + ": cannot be drawn: this Java finds no fonts; use --svg, which needs none, or install fontconfig and a font")));
            System.out.println("picture: " + png);
        }
        return 0;
    }

    private static void write(Path file, byte[] content) {
        try {
            Files.write(file, content);
        } catch (IOException e) {
            throw UserError.environment(file + ": cannot be written: " + Reason.of(e), e);
        }
    }

    private String text(Tokenizer t, TokenStats stats) {
        StringBuilder out = new StringBuilder();
        table(out, "file", stats.byFile);
        table(out, "language", stats.byLanguage);
        table(out, "source", stats.bySource);
        int[] unused = stats.unused(t);
        out.append(String.format(Locale.ROOT, "%,d of %,d tokens are unused", unused.length, t.vocabSize()));
        for (int i = 0; i < Math.min(top, unused.length); i++) {
            out.append(i == 0 ? ": " : "  ").append(StatsPage.spell(t, unused[i]));
        }
        out.append(unused.length > top ? "  \u2026" : "").append(System.lineSeparator());
        out.append(VocabularyShape.of(t)).append(System.lineSeparator());
        out.append("longest tokens:").append(System.lineSeparator());
        for (int id : longest(t, top)) {
            out.append(String.format(Locale.ROOT, "  %6d  %3d bytes  %,10d times  %s%n", id, t.tokenBytes(id).length, stats.uses[id],
                    StatsPage.spell(t, id)));
        }
        return out.toString();
    }

    static int[] longest(Tokenizer t, int count) {
        return IntStream.range(0, t.vocabSize()).filter(t::isToken).boxed()
                .sorted(Comparator.comparingInt((Integer id) -> -t.tokenBytes(id).length)).limit(count).mapToInt(id -> id).toArray();
    }

    private void table(StringBuilder out, String what, Map<String, long[]> rows) {
        if (rows.size() == 1 && rows.containsKey("")) {
            return;
        }
        out.append(String.format(Locale.ROOT, "%-44s %10s %14s %14s %12s%n", what, "documents", "bytes", "tokens", "bytes/token"));
        rows.entrySet().stream().sorted(Comparator.comparingLong(row -> -row.getValue()[1])).limit(top).forEach(row -> {
            long[] n = row.getValue();
            out.append(String.format(Locale.ROOT, "%-44s %,10d %,14d %,14d %12.3f%n", row.getKey().isEmpty() ? "(none)" : row.getKey(), n[0], n[1], n[2],
                    n[1] / (double) Math.max(1, n[2])));
        });
        if (rows.size() > top) {
            out.append(String.format(Locale.ROOT, "… and %,d more (--top)%n", rows.size() - top));
        }
    }

    /** What one thread saw; sums add up. */
    static final class TokenStats {
        final TokenBuffer buffer = new TokenBuffer();
        final long[] uses;
        final Map<String, long[]> byFile = new TreeMap<>();
        final Map<String, long[]> bySource = new TreeMap<>();
        final Map<String, long[]> byLanguage = new TreeMap<>();

        TokenStats(int vocabulary) {
            uses = new long[vocabulary];
        }

        private void add(String file, String source, String language, long bytes) {
            for (int i = 0; i < buffer.size(); i++) {
                uses[buffer.id(i)]++;
            }
            row(byFile, file, 1, bytes, buffer.size());
            row(bySource, source, 1, bytes, buffer.size());
            row(byLanguage, language, 1, bytes, buffer.size());
        }

        private static void row(Map<String, long[]> rows, String key, long documents, long bytes, long tokens) {
            long[] row = rows.computeIfAbsent(key, k -> new long[3]);
            row[0] += documents;
            row[1] += bytes;
            row[2] += tokens;
        }

        private TokenStats plus(TokenStats other) {
            for (int i = 0; i < uses.length; i++) {
                uses[i] += other.uses[i];
            }
            other.byFile.forEach((key, n) -> row(byFile, key, n[0], n[1], n[2]));
            other.bySource.forEach((key, n) -> row(bySource, key, n[0], n[1], n[2]));
            other.byLanguage.forEach((key, n) -> row(byLanguage, key, n[0], n[1], n[2]));
            return this;
        }

        int[] unused(Tokenizer t) {
            return IntStream.range(0, uses.length).filter(id -> uses[id] == 0 && t.isToken(id)).toArray();
        }
    }
}
