package org.longhaul.data.decontamination;

import java.util.List;
import org.longhaul.data.quality.Verdict;

/** Drops or cuts documents that repeat benchmark texts. Thread-safe. */
public final class DecontaminationStage {
    /** Name of the stage. */
    public static final String STAGE = "decontamination";

    private final BenchmarkIndex index;
    private final DecontaminationSettings.Action action;

    /** The stage over an index. */
    public DecontaminationStage(BenchmarkIndex index, DecontaminationSettings.Action action) {
        this.index = index;
        this.action = action;
    }

    /**
     * What was found.
     *
     * @param verdict a drop names the benchmark of the first match; the score is the share of characters in matches
     * @param text the text, without cut lines
     * @param matches places in the text as it came
     */
    public record Outcome(Verdict verdict, String text, List<BenchmarkIndex.Match> matches) {}

    /** Tells whether two runs looked for the same. */
    public String fingerprint() {
        return index.fingerprint() + " " + action;
    }

    /** Looks at one text. */
    public Outcome apply(String text) {
        List<BenchmarkIndex.Match> matches = index.matches(text);
        if (matches.isEmpty()) {
            return new Outcome(Verdict.keep(STAGE), text, matches);
        }
        long length = 0;
        int end = 0;
        for (BenchmarkIndex.Match match : matches) {
            length += Math.max(0, match.end() - Math.max(end, match.start()));
            end = Math.max(end, match.end());
        }
        double share = (double) length / text.length();
        String reason = matches.get(0).benchmark();
        return switch (action) {
            case DROP_DOCUMENT -> new Outcome(Verdict.drop(STAGE, reason, share), text, matches);
            case CUT_LINES -> {
                String rest = cut(text, matches);
                yield rest.isBlank()
                        ? new Outcome(Verdict.drop(STAGE, reason, share), text, matches)
                        : new Outcome(new Verdict(true, STAGE, "kept", share), rest, matches);
            }
        };
    }

    private static String cut(String text, List<BenchmarkIndex.Match> matches) {
        StringBuilder out = new StringBuilder(text.length());
        int at = 0;
        for (BenchmarkIndex.Match match : matches) {
            int from = text.lastIndexOf('\n', match.start()) + 1;
            int to = text.indexOf('\n', match.end());
            to = to < 0 ? text.length() : to + 1;
            if (from > at) {
                out.append(text, at, from);
            }
            at = Math.max(at, to);
        }
        return out.append(text, at, text.length()).toString();
    }
}
