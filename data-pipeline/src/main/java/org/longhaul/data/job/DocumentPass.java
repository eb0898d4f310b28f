package org.longhaul.data.job;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.longhaul.data.Document;
import org.longhaul.data.dedup.ContentHash;
import org.longhaul.data.dedup.DedupSettings;
import org.longhaul.data.dedup.MinHasher;
import org.longhaul.data.extract.DocumentSource;
import org.longhaul.data.language.LanguageStage;
import org.longhaul.data.quality.QualityChain;
import org.longhaul.data.read.InputRecord;

/** The per-document rules of one input, in order: extraction, repair, language, quality, and the digests for deduplication. Thread-safe. */
final class DocumentPass {
    /** Language models take seconds to load: one pass per rule set serves all tasks of a process. */
    private static final Map<Settings, DocumentPass> SHARED = new ConcurrentHashMap<>();

    /** All that a pass depends on. */
    private record Settings(RuleSet rules, DedupSettings dedup) {}

    private final DedupSettings dedup;
    private final MinHasher minHasher;
    private final DocumentSource source;
    private final LanguageStage language;
    private final QualityChain quality;

    private DocumentPass(Settings settings) {
        RuleSet rules = settings.rules;
        dedup = settings.dedup;
        minHasher = new MinHasher(dedup.minhash());
        source = new DocumentSource(rules.html(), rules.text());
        language = rules.language().enabled() ? new LanguageStage(rules.language()) : null;
        quality = new QualityChain(rules.quality());
    }

    /** The pass for the documents of an input. */
    static DocumentPass of(DataConfig config, String input) {
        return SHARED.computeIfAbsent(new Settings(config.rules(config.inputs().get(input)), config.dedup()), DocumentPass::new);
    }

    /** Judges one record. */
    Verdict judge(InputRecord record) {
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
        ContentHash exact = ContentHash.of(document.text(), dedup.exactForm());
        long[] bands = dedup.near() ? minHasher.signature(document.text()).map(minHasher::bandDigests).orElse(new long[0]) : new long[0];
        return new Verdict.Keep(document, exact.high(), exact.low(), bands);
    }

    private static Verdict.Drop drop(Document document, org.longhaul.data.quality.Verdict verdict) {
        return new Verdict.Drop(document, verdict.stage(), verdict.reason(), verdict.score());
    }
}
