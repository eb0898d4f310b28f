package org.longhaul.data.quality;

import java.util.ArrayList;
import java.util.List;

/** Runs the stages of one rule set in FineWeb's order. Thread-safe. */
public final class QualityChain {
    private final List<QualityFilter> before = new ArrayList<>();
    private final C4Lines c4;
    private final FineWebFilter fineweb;

    /** The chain of the stages that the settings enable. */
    public QualityChain(QualitySettings settings) {
        if (settings.gopherRepetition().enabled()) {
            before.add(new GopherRepetition(settings.gopherRepetition()));
        }
        if (settings.gopherQuality().enabled()) {
            before.add(new GopherQuality(settings.gopherQuality()));
        }
        this.c4 = settings.c4().enabled() ? new C4Lines(settings.c4()) : null;
        this.fineweb = settings.fineweb().enabled() ? new FineWebFilter(settings.fineweb()) : null;
    }

    /**
     * What the chain made of a document.
     *
     * @param verdict of the stage that dropped it; of the last stage when it is kept
     * @param text the text, without the lines that C4 removed
     */
    public record Outcome(Verdict verdict, String text) {}

    /** Judges one text; stops at the first stage that drops it. */
    public Outcome apply(String text, String language) {
        TextView view = new TextView(text, language);
        Verdict verdict = Verdict.keep("quality");
        for (QualityFilter filter : before) {
            verdict = filter.judge(view);
            if (!verdict.keep()) {
                return new Outcome(verdict, text);
            }
        }
        if (c4 != null) {
            C4Lines.Outcome lines = c4.apply(view);
            verdict = lines.verdict();
            if (!verdict.keep()) {
                return new Outcome(verdict, text);
            }
            if (!lines.text().equals(text)) {
                view = new TextView(lines.text(), language);
            }
        }
        if (fineweb != null) {
            verdict = fineweb.judge(view);
        }
        return new Outcome(verdict, view.text());
    }
}
