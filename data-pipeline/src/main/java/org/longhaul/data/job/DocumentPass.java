package org.longhaul.data.job;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.longhaul.data.Document;
import org.longhaul.data.decontamination.BenchmarkFiles;
import org.longhaul.data.decontamination.DecontaminationSettings;
import org.longhaul.data.decontamination.DecontaminationStage;
import org.longhaul.data.dedup.ContentHash;
import org.longhaul.data.dedup.DedupSettings;
import org.longhaul.data.dedup.MinHasher;
import org.longhaul.data.extract.DocumentSource;
import org.longhaul.data.language.LanguageStage;
import org.longhaul.data.quality.QualityChain;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.text.PersonalData;
import org.longhaul.data.url.UrlFilter;

/**
 * The per-document rules of one input, in order: address, extraction, repair, language, quality, benchmarks, personal data, and the
 * digests for deduplication. Thread-safe.
 */
final class DocumentPass {
    /** Language models take seconds to load: one pass per rule set serves all tasks of a process. */
    private static final Map<Settings, DocumentPass> SHARED = new ConcurrentHashMap<>();

    /** All that a pass depends on. */
    private record Settings(RuleSet rules, DecontaminationSettings decontamination, DedupSettings dedup) {}

    private final DedupSettings dedup;
    private final MinHasher minHasher;
    private final DocumentSource source;
    private final LanguageStage language;
    private final QualityChain quality;
    private final UrlFilter urls;
    private final DecontaminationStage benchmarks;
    private final PersonalData personalData;

    private DocumentPass(Configuration conf, Settings settings) {
        RuleSet rules = settings.rules;
        dedup = settings.dedup;
        minHasher = new MinHasher(dedup.minhash());
        source = new DocumentSource(rules.html(), rules.text());
        language = rules.language().enabled() ? new LanguageStage(rules.language()) : null;
        quality = new QualityChain(rules.quality());
        urls = rules.url().enabled() ? UrlFilter.of(conf, rules.url()) : null;
        DecontaminationSettings decontamination = settings.decontamination;
        benchmarks = decontamination.benchmarks().isEmpty()
                ? null
                : new DecontaminationStage(BenchmarkFiles.index(conf, decontamination), decontamination.action());
        personalData = new PersonalData(rules.personalData());
    }

    /** The pass for the documents of an input. */
    static DocumentPass of(Configuration conf, DataConfig config, String input) {
        Settings settings = new Settings(config.rules(config.inputs().get(input)), config.decontamination(), config.dedup());
        return SHARED.computeIfAbsent(settings, key -> new DocumentPass(conf, key));
    }

    /** What the pass took from files that the settings name: their content decides as the settings do. */
    String fingerprint() {
        return (urls == null ? "" : urls.fingerprint()) + "/" + (benchmarks == null ? "" : benchmarks.fingerprint());
    }

    /** Judges one record. */
    Verdict judge(InputRecord record) {
        if (urls != null) {
            org.longhaul.data.quality.Verdict address = urls.judge(record.url());
            if (!address.keep()) {
                String text = record.body() instanceof InputRecord.Text body ? body.text() : "";
                return drop(record.toDocument(text), address);
            }
        }
        DocumentSource.Outcome extracted = source.toDocument(record);
        if (extracted.document().isEmpty()) {
            return drop(record.toDocument(extracted.normalized().text()), extracted.verdict());
        }
        Document document = extracted.document().get();
        if (language != null) {
            LanguageStage.Outcome found = language.apply(document);
            document = document.withLanguage(found.language());
            if (!found.verdict().keep()) {
                return drop(document, found.verdict());
            }
        }
        QualityChain.Outcome outcome = quality.apply(document.text(), document.language());
        if (!outcome.verdict().keep()) {
            return drop(document, outcome.verdict());
        }
        document = document.withText(outcome.text());
        if (benchmarks != null) {
            DecontaminationStage.Outcome clean = benchmarks.apply(document.text());
            if (!clean.verdict().keep()) {
                return drop(document, clean.verdict());
            }
            document = document.withText(clean.text());
        }
        document = document.withText(personalData.replace(document.text()).text());
        ContentHash exact = ContentHash.of(document.text(), dedup.exactForm());
        long[] bands = dedup.near() ? minHasher.signature(document.text()).map(minHasher::bandDigests).orElse(new long[0]) : new long[0];
        return new Verdict.Keep(document, exact.high(), exact.low(), bands);
    }

    private static Verdict.Drop drop(Document document, org.longhaul.data.quality.Verdict verdict) {
        return new Verdict.Drop(document, verdict.stage(), verdict.reason(), verdict.score());
    }
}
