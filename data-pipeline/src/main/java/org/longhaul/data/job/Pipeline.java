package org.longhaul.data.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.longhaul.config.ConfigWriter;
import org.longhaul.error.UserError;
import org.longhaul.shards.ManifestFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.TokenType;
import org.longhaul.tokenizer.Tokenizer;

/**
 * The whole job: documents, duplicates, tokenizer, tokens, shards, manifest. Every stage commits parts under
 * {@code DIR/_work} with a digest of what went into them; a run that was killed takes what is committed and does the rest, and
 * ends with the same bytes.
 */
final class Pipeline {
    private static final String WORK = "_work";
    static final String DECISIONS = "decisions";
    /** Problems that a wrong setting causes, unlike those that every crawl has. */
    private static final Set<String> UNUSABLE = Set.of("malformed_json", "no_text", "malformed_record");
    /** Raise when a stage's output changes for the same input and configuration: older parts are then done again. */
    private static final String CODE = "1";

    private static final long PROBLEMS_SAID = 10;

    private final DataConfig config;
    private final boolean overwrite;
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    /** By input: what its rules take from files, such as lists of addresses. */
    private final Map<String, String> rules = new TreeMap<>();
    private GivenTokenizer given;
    private Configuration conf;
    private Store output;
    private Store work;
    private SparkSession spark;
    private Status status;

    Pipeline(DataConfig config, boolean overwrite) {
        this.config = config;
        this.overwrite = overwrite;
    }

    /** Runs to the end; answers what was done. */
    Report run() {
        conf = Sparks.hadoop(config.spark());
        Part.Plan plan = Part.plan(conf, config);
        config.inputs().keySet().forEach(name -> rules.put(name, DocumentPass.of(conf, config, name).fingerprint()));
        given = config.tokenizer().path().isEmpty() ? null : GivenTokenizer.read(conf, config.tokenizer().path());
        output = new Store(conf, config.output().dir());
        work = output.folder(WORK);
        output.makeFolder();
        try (FolderLock lock = FolderLock.take(output)) {
            String digest = configDigest(plan);
            if (finished(digest)) {
                System.err.println(output.display() + " is complete: nothing to do");
                return Report.read(config.output().dir());
            }
            work.makeFolder();
            try (Status line = new Status(6)) {
                status = line;
                return stages(plan, digest);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Digest of the settings that decide about the output, and of the inputs. */
    private String configDigest(Part.Plan plan) {
        List<String> texts = new ArrayList<>(List.of(CODE, documentSettings(), ConfigWriter.toYaml(config.tokenizer()),
                String.valueOf(config.validationFraction()), String.valueOf(config.seed()), String.valueOf(config.output().shardMib()),
                String.valueOf(config.output().excerptChars())));
        if (given != null) {
            texts.add(given.digest());
        }
        config.inputs().forEach((name, input) -> texts.add(name + "=" + input.weight()));
        plan.parts().forEach(part -> part.files().forEach(file -> texts.add(part.source() + " " + new Path(file.path()).getName() + " " + file.bytes())));
        return Json.digest(texts.toArray(String[]::new));
    }

    private String documentSettings() {
        StringBuilder text = new StringBuilder(ConfigWriter.toYaml(config.dedup())).append(ConfigWriter.toYaml(config.decontamination()));
        config.inputs().forEach((name, input) -> text.append(name).append('\n').append(ConfigWriter.toYaml(input.read()))
                .append(ConfigWriter.toYaml(config.rules(input))).append(rules.get(name)));
        return text.toString();
    }

    private boolean finished(String digest) {
        if (!output.exists(ShardManifest.FILE)) {
            return false;
        }
        String name = Store.display(output.path(ShardManifest.FILE));
        String found = ManifestFile.parse(output.read(ShardManifest.FILE), name).lineage().configDigest();
        if (found.equals(digest)) {
            return true;
        }
        if (!overwrite) {
            throw UserError.badInput("output.dir " + output.display()
                    + " holds a finished data set made with another configuration or other inputs: choose another folder, or replace it with --overwrite");
        }
        output.delete(ShardManifest.FILE);
        for (String file : output.names()) {
            if (file.endsWith(".arrow")) {
                output.delete(file);
            }
        }
        return false;
    }

    private Report stages(Part.Plan plan, String configDigest) throws IOException {
        status.begin("spark");
        spark = Sparks.start(config.spark());
        try {
            JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
            conf = context.hadoopConfiguration();
            status.follow(context.statusTracker());
            seconds.put("spark", status.end("started " + spark.sparkContext().master()));
            Report report = new Report();
            report.configDigest = configDigest;
            report.ignoredFiles = plan.ignored();
            DataConfig settings = config;
            List<Part> parts = plan.parts();

            Map<Integer, StageFolder.Done> documents = documents(context, parts, report);
            List<String> documentFiles = files(documents, DocumentTask.FILE);
            String documentsDigest = Json.digest(parts.stream().map(part -> digest(part)).toArray(String[]::new));

            long rows = documents.values().stream().mapToLong(done -> done.stats().path("rows").asLong()).sum();
            status.begin("dedup");
            StageFolder.Done dedup = new DedupStage(spark, conf, config, new StageFolder(conf, work.path("dedup").toString()))
                    .run(documentFiles, rows, Json.digest(documentsDigest, ConfigWriter.toYaml(config.dedup())));
            report.exactClusters = dedup.stats().path("exact_clusters").asLong();
            report.nearClusters = dedup.stats().path("near_clusters").asLong();
            report.pairs = dedup.stats().path("pairs").asLong();
            seconds.put("dedup", status.end(String.format("%,d exact and %,d near-duplicate clusters", report.exactClusters, report.nearClusters)));

            String tokenizerDigest = tokenizer(context, parts, documents, dedup, Json.digest(documentsDigest, ConfigWriter.toYaml(config.dedup())));
            byte[] json = output.read(TokenizerStage.JSON);
            byte[] tokenizerConfig = output.exists(TokenizerStage.CONFIG_JSON) ? output.read(TokenizerStage.CONFIG_JSON) : null;
            Tokenizer tokenizer = TokenizerStage.load(json, tokenizerConfig, Store.display(output.path(TokenizerStage.JSON)));
            report.vocabulary = tokenizer.vocabSize();

            status.begin("tokens");
            String tokensDigest = Json.digest(tokenizerDigest, tokenizer.fingerprint(), tokenizer.textPrefix().toString(), remixSettings());
            Path dedupFolder = new Path(dedup.folder());
            Map<Integer, String> digests = new TreeMap<>();
            parts.forEach(part -> digests.put(part.index(), Json.digest(tokensDigest, digest(part))));
            Map<Integer, String> documentFile = new TreeMap<>();
            documents.forEach((part, done) -> documentFile.put(part, done.file(DocumentTask.FILE).toString()));
            String dedupPlace = dedupFolder.toString();
            Map<Integer, StageFolder.Done> tokens = Parts.run(context, work.path("tokens").toString(), parts, digests, config.spark().partitions(), status,
                    (c, stage, part, d) -> new TokenTask(settings, part.source(), Tokenizers.of(json, tokenizerConfig)).run(c, stage, part.index(),
                            new KeptTexts(c, part.index(), new Path(documentFile.get(part.index())), new Path(dedupPlace)), d));
            long[] totals = new long[2];
            for (StageFolder.Done done : tokens.values()) {
                report.add(Json.convert(done.stats().path("documents"), DocumentStats.class));
                totals[0] += done.stats().path("train_tokens").asLong();
                totals[1] += done.stats().path("validation_tokens").asLong();
            }
            seconds.put("tokens", status.end(String.format("%,d documents kept, %,d tokens", report.kept(), totals[0] + totals[1])));
            if (totals[0] == 0) {
                throw UserError.badInput("no training document is left: " + top(report) + "; loosen the rules or check the inputs");
            }

            status.begin("shards");
            ShardStage.Layout layout = ShardStage.Layout.of(config, totals[0], totals[1], tokenizer.vocabSize());
            Map<Integer, StageFolder.Done> shards = new ShardStage(spark, conf, work.path("shards").toString(), layout, config.seed())
                    .run(files(tokens, TokenTask.FILE), Json.digest(tokensDigest, documentsDigest), config.spark().partitions(),
                            (totals[0] + totals[1]) * TokenType.forVocabulary(tokenizer.vocabSize()).bytes() <= (long) config.spark().driverTokenMib() << 20, output, status);
            publish(plan, configDigest, report, tokenizer, layout, shards, documents, tokens);
            seconds.put("shards", status.end(String.format("%s in %s", layout.shards() == 1 ? "1 shard" : layout.shards() + " shards", output.display())));
            writeTimes();
            if (!config.output().keepWork()) {
                output.delete(WORK);
            }
            return report;
        } finally {
            spark.stop();
        }
    }

    private String digest(Part part) {
        DataConfig.Input input = config.inputs().get(part.source());
        return Json.digest(CODE, part.digest(), ConfigWriter.toYaml(input.read()), ConfigWriter.toYaml(config.rules(input)),
                rules.get(part.source()), ConfigWriter.toYaml(config.decontamination()), ConfigWriter.toYaml(config.dedup()), String.valueOf(config.output().excerptChars()), String.valueOf(part.index()));
    }

    private String remixSettings() {
        StringBuilder text = new StringBuilder().append(config.seed()).append(' ').append(config.validationFraction());
        config.inputs().forEach((name, input) -> text.append('\n').append(name).append(' ').append(input.weight()));
        return text.toString();
    }

    private Map<Integer, StageFolder.Done> documents(JavaSparkContext context, List<Part> parts, Report report) {
        status.begin("documents");
        Map<Integer, String> digests = new TreeMap<>();
        parts.forEach(part -> digests.put(part.index(), digest(part)));
        DataConfig settings = config;
        Map<Integer, StageFolder.Done> done = Parts.run(context, work.path("documents").toString(), parts, digests, config.spark().partitions(), status,
                (c, stage, part, digest) -> new DocumentTask(c, settings, part).run(stage, digest));
        long rows = 0;
        Map<String, DocumentStats> inputs = new TreeMap<>();
        for (StageFolder.Done part : done.values()) {
            DocumentStats stats = Json.convert(part.stats(), DocumentStats.class);
            inputs.computeIfAbsent(parts.get(part.part()).source(), k -> new DocumentStats()).merge(stats);
            report.add(stats);
            rows += stats.rows;
        }
        seconds.put("documents", status.end(String.format("%,d of %,d documents pass the rules", rows, report.records)));
        tell(report);
        inputs.forEach(this::usable);
        if (report.records == 0) {
            throw UserError.badInput("the inputs hold no document"
                    + (report.problems.isEmpty() ? "" : "; first of " + report.problems.size() + " problems: " + report.problems.get(0).message()));
        }
        if (rows == 0) {
            throw UserError.badInput("no document passes the rules: " + top(report) + "; loosen the rules or check the inputs");
        }
        return done;
    }

    // Some of each kind: a wrong field name makes a problem of every record.
    private void tell(Report report) {
        Map<String, Long> said = new TreeMap<>();
        for (DocumentStats.Problem problem : report.problems) {
            if (said.merge(problem.kind(), 1L, Long::sum) <= PROBLEMS_SAID) {
                status.line("  " + problem.message());
            }
        }
        report.problemCounts.forEach((kind, count) -> {
            long more = count - Math.min(PROBLEMS_SAID, said.getOrDefault(kind, 0L));
            if (more > 0) {
                status.line(String.format("  and %,d more: %s", more, kind));
            }
        });
    }

    private void usable(String input, DocumentStats stats) {
        long unusable = UNUSABLE.stream().mapToLong(kind -> stats.problemCounts.getOrDefault(kind, 0L)).sum();
        if (unusable > config.maxUnusable() * (unusable + stats.records)) {
            String first = stats.problems.stream().filter(problem -> UNUSABLE.contains(problem.kind())).findFirst().map(problem -> "; the first: " + problem.message()).orElse("");
            throw UserError.badInput(String.format("input %s: %,d of %,d records are malformed or without text (max_unusable %s)%s; correct inputs.%s.read or the files",
                    input, unusable, unusable + stats.records, config.maxUnusable(), first, input));
        }
    }

    private static String top(Report report) {
        return report.reasons().entrySet().stream().max(Map.Entry.comparingByValue())
                .map(entry -> String.format("%,d fall to %s", entry.getValue(), entry.getKey())).orElse("there was no text");
    }

    /** Brings tokenizer.json to the output folder; answers a digest of what it was made from. */
    private String tokenizer(JavaSparkContext context, List<Part> parts, Map<Integer, StageFolder.Done> documents, StageFolder.Done dedup,
            String before) throws IOException {
        status.begin("tokenizer");
        if (given != null) {
            given.copyTo(output);
            seconds.put("tokenizer", status.end("given: " + Store.display(given.path())));
            return Json.digest(before, given.digest());
        }
        String digest = Json.digest(CODE, before, ConfigWriter.toYaml(config.tokenizer()), remixSettings());
        StageFolder stage = new StageFolder(conf, work.path("tokenizer").toString());
        Map<Integer, StageFolder.Done> trained = stage.done(Map.of(0, digest));
        if (trained.isEmpty() || !output.exists(TokenizerStage.JSON)) {
            long bytes = 0;
            for (StageFolder.Done done : documents.values()) {
                bytes += done.stats().path("row_bytes").asLong();
            }
            double fraction = config.tokenizer().trainMib() == 0 ? 1 : Math.min(1, (config.tokenizer().trainMib() << 20) / (double) Math.max(1, bytes));
            Map<Integer, String> digests = new TreeMap<>();
            parts.forEach(part -> digests.put(part.index(), Json.digest(digest, digest(part))));
            Map<Integer, String> documentFile = new TreeMap<>();
            documents.forEach((part, done) -> documentFile.put(part, done.file(DocumentTask.FILE).toString()));
            DataConfig settings = config;
            String dedupPlace = dedup.folder();
            Map<Integer, StageFolder.Done> words = Parts.run(context, work.path("words").toString(), parts, digests, config.spark().partitions(), status,
                    (c, s, part, d) -> TokenizerStage.count(c, settings, part,
                            new KeptTexts(c, part.index(), new Path(documentFile.get(part.index())), new Path(dedupPlace)), fraction, s, d));
            TokenizerStage.train(conf, words, config.tokenizer().vocabulary(), output, status);
            stage.commit(0, stage.begin(0), digest, Json.MAPPER.createObjectNode());
        }
        byte[] settings = output.exists(TokenizerStage.CONFIG_JSON) ? output.read(TokenizerStage.CONFIG_JSON) : null;
        int vocabulary = TokenizerStage.load(output.read(TokenizerStage.JSON), settings, Store.display(output.path(TokenizerStage.JSON))).vocabSize();
        seconds.put("tokenizer", status.end(String.format("vocabulary of %,d", vocabulary)));
        return digest;
    }

    private static List<String> files(Map<Integer, StageFolder.Done> parts, String name) {
        return parts.values().stream().map(done -> done.file(name).toString()).toList();
    }

    /** Moves shards and decisions to their final names; the manifest comes last. */
    private void publish(Part.Plan plan, String digest, Report report, Tokenizer tokenizer, ShardStage.Layout layout,
            Map<Integer, StageFolder.Done> shards, Map<Integer, StageFolder.Done> documents, Map<Integer, StageFolder.Done> tokens) throws IOException {
        Map<String, List<ShardManifest.Shard>> entries = new TreeMap<>(Map.of("train", new ArrayList<>(), "validation", new ArrayList<>()));
        Map<String, long[]> counts = Map.of("train", new long[layout.vocabulary()], "validation", new long[layout.vocabulary()]);
        for (StageFolder.Done done : shards.values()) {
            JsonNode stats = done.stats();
            ShardManifest.Shard shard = ShardStage.entry(stats);
            entries.get(layout.split(done.part())).add(shard);
            ShardStage.addTokenCounts(stats, counts.get(layout.split(done.part())));
            for (ShardManifest.DataFile file : shard.files()) {
                Path from = done.file(file.name());
                // A run killed while it moved files finds some of them moved already.
                if (output.fs().exists(from)) {
                    output.rename(from, output.path(file.name()));
                }
            }
        }
        List<String> current = entries.values().stream().flatMap(List::stream).flatMap(shard -> shard.files().stream()).map(ShardManifest.DataFile::name).toList();
        for (String file : output.names()) {
            if (file.endsWith(".arrow") && !current.contains(file)) {
                // Left by a run with other settings that was killed while it published.
                output.delete(file);
            }
        }
        output.delete(DECISIONS);
        Store decisions = output.folder(DECISIONS);
        decisions.makeFolder();
        copyDecisions(documents, decisions, "rules");
        copyDecisions(tokens, decisions, "final");
        Map<String, Double> entropy = new TreeMap<>();
        counts.forEach((name, sums) -> entropy.put(name, ShardManifest.entropy(sums)));
        List<ShardManifest.Input> inputs = new ArrayList<>();
        plan.parts().forEach(part -> part.files().forEach(file -> inputs.add(new ShardManifest.Input(part.source(), new Path(file.path()).getName(), file.bytes()))));
        ShardManifest manifest = ShardManifest.of(layout.vocabulary(), tokenizer.textPrefix(), tokenizer.endOfSentence(),
                new ShardManifest.Tokenizer(tokenizer.fingerprint(), TokenizerStage.JSON, tokenizerFiles()), entries, entropy,
                new ShardManifest.Lineage(digest, inputs, new TreeMap<>(Map.of("seed", String.valueOf(config.seed())))));
        manifest.splits().forEach((name, split) -> report.splits.put(name, new Report.SplitLine(split.total().documents(), split.total().tokens(),
                split.total().bytes(), split.unigramEntropy(), split.shards().size())));
        output.write("config.yaml", ConfigWriter.toYaml(config).getBytes(StandardCharsets.UTF_8));
        output.write(Report.FILE, Json.bytes(report));
        output.write(ShardManifest.FILE, ManifestFile.toBytes(manifest));
    }

    private List<ShardManifest.DataFile> tokenizerFiles() {
        return Stream.of(TokenizerStage.JSON, TokenizerStage.CONFIG_JSON).filter(output::exists).map(name -> ShardManifest.DataFile.of(name, output.read(name))).toList();
    }

    private void copyDecisions(Map<Integer, StageFolder.Done> parts, Store target, String name) throws IOException {
        for (StageFolder.Done done : parts.values()) {
            Path from = done.file(DecisionLog.FILE);
            FileUtil.copy(output.fs(), from, target.fs(), target.path(String.format("%s-%06d.parquet", name, done.part())), false, true, conf);
        }
    }

    private void writeTimes() {
        ObjectNode times = Json.MAPPER.createObjectNode();
        seconds.forEach(times::put);
        times.put("total", status.seconds());
        ObjectNode run = Json.MAPPER.createObjectNode();
        run.set("seconds", times);
        run.put("cores", Runtime.getRuntime().availableProcessors());
        run.put("max_heap_mib", Runtime.getRuntime().maxMemory() >> 20);
        run.put("java", System.getProperty("java.version"));
        run.put("spark", spark.version());
        output.write("run.json", Json.bytes(run));
    }
}
