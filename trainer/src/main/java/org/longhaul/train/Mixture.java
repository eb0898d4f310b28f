package org.longhaul.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.longhaul.batch.SampleOrder;
import org.longhaul.batch.TokenOrigins;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the tokens that the weights have learnt from, by source and language. Which samples a step reads is a pure function of
 * the count of samples before it, so one rank counts for all, whatever the layout, on a thread beside the step. Steps whose update
 * was skipped count, those that were rolled back do not.
 */
final class Mixture implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Mixture.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String KEY = "mixture";
    private static final int NAMED = 6;

    private final TokenOrigins origins;
    private final int context;
    private final int every;
    private final ExecutorService worker;
    private final Queue<Future<TokenCounts>> pending = new ArrayDeque<>();
    private State state = State.EMPTY;
    private TokenCounts reported = TokenCounts.NONE;
    private long reportedStep;

    /**
     * What a checkpoint keeps.
     *
     * @param run counts of the whole run, the runs it branched off included
     * @param stage counts of the current data stage
     */
    record State(TokenCounts run, TokenCounts stage) {
        static final State EMPTY = new State(TokenCounts.NONE, TokenCounts.NONE);
    }

    /** A rank's counts: of a run whose data tell origins on the rank that leads, else nothing. */
    Mixture(TrainConfig config, TrainData data, boolean leads) {
        this.origins = leads ? data.origins().orElse(null) : null;
        this.context = config.model().context();
        this.every = config.logging().mixtureEvery();
        this.worker = Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, "mixture");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** The state to keep in a checkpoint, with the counts if there are any. */
    JsonNode into(ObjectNode kept) {
        if (origins != null) {
            kept.set(KEY, JSON.valueToTree(state()));
        }
        return kept;
    }

    /** Goes on from what a checkpoint of a step keeps; the counts of its stage are dropped when a new one begins. */
    void restore(JsonNode kept, boolean newStage, long step) {
        // What is still being counted belongs to steps that are taken back.
        pending.clear();
        State from = kept.has(KEY) ? JSON.convertValue(kept.get(KEY), State.class) : State.EMPTY;
        if (origins != null && !kept.has(KEY)) {
            LOG.info("the checkpoint has no counts of tokens by source; they start at step {}", step);
        }
        state = newStage ? new State(from.run, TokenCounts.NONE) : from;
        reported = state.stage;
        reportedStep = step;
    }

    /** Tokens of the data stages before the present one by what a checkpoint's state counts; 0 where it counts nothing. */
    static long earlierTokens(JsonNode kept) {
        if (!kept.has(KEY)) {
            return 0;
        }
        State state = JSON.convertValue(kept.get(KEY), State.class);
        return state.run.total() - state.stage.total();
    }

    /** Counts the samples of a step. */
    void count(SampleOrder order, long firstSample, int samples) {
        if (origins == null) {
            return;
        }
        // Nobody may ask for months.
        take(false);
        pending.add(worker.submit(() -> {
            SortedMap<String, Long> sources = new TreeMap<>();
            SortedMap<String, Long> languages = new TreeMap<>();
            for (long k = firstSample; k < firstSample + samples; k++) {
                origins.count(order.window(k) * context, context, (source, language, tokens) -> {
                    sources.merge(source, tokens, Long::sum);
                    languages.merge(language, tokens, Long::sum);
                });
            }
            return new TokenCounts(sources, languages);
        }));
    }

    /** The counts of all steps so far. */
    State state() {
        take(true);
        return state;
    }

    // Adds up what has been counted, all of it or as far as it is there.
    private void take(boolean all) {
        try {
            while (!pending.isEmpty() && (all || pending.peek().isDone())) {
                TokenCounts step = pending.remove().get();
                state = new State(state.run.plus(step), state.stage.plus(step));
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while counting tokens by source");
        }
    }

    /** Whether a report is due after a step, which may be the last one. */
    boolean due(long step, boolean last) {
        return origins != null && every > 0 && (last || step / every > reportedStep / every);
    }

    /** A report on the steps since the last one. */
    Interval report(long step) {
        State now = state();
        Interval interval = new Interval(reportedStep, step, now, now.stage.minus(reported), origins.sources(), origins.languages());
        reported = now.stage;
        reportedStep = step;
        return interval;
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }

    /**
     * Some steps and what was read in them.
     *
     * @param wantedSources shares of the data set
     * @param wantedLanguages shares of the data set
     */
    record Interval(
            long after, long step, State state, TokenCounts tokens, SortedMap<String, Double> wantedSources,
            SortedMap<String, Double> wantedLanguages) {
        /** For metrics.jsonl. */
        Map<String, Object> line() {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", step);
            line.put("tokens_by_source", state.run.sources());
            line.put("tokens_by_language", state.run.languages());
            line.put("stage_tokens_by_source", state.stage.sources());
            line.put("interval_tokens_by_source", tokens.sources());
            line.put("interval_tokens_by_language", tokens.languages());
            line.put("data_share_by_source", wantedSources);
            return line;
        }

        /** For TensorBoard: shares of the interval. */
        Map<String, Double> scalars() {
            Map<String, Double> scalars = new LinkedHashMap<>();
            shares(tokens.sources()).forEach((name, share) -> scalars.put("mixture/source/" + name, share));
            shares(tokens.languages()).forEach((name, share) -> scalars.put("mixture/language/" + name, share));
            return scalars;
        }

        /** For people: what was read, and in brackets what the data set holds. */
        String text() {
            return String.format(
                    Locale.ROOT, "steps %,d to %,d: %s; languages %s", after + 1, step, text(tokens.sources(), wantedSources),
                    text(tokens.languages(), wantedLanguages));
        }

        private static String text(SortedMap<String, Long> counts, SortedMap<String, Double> wanted) {
            Map<String, Double> shares = shares(counts);
            String named = wanted.entrySet().stream()
                    .sorted(Map.Entry.<String, Double>comparingByValue(Comparator.reverseOrder())).limit(NAMED)
                    .map(e -> String.format(
                            Locale.ROOT, "%s %.2f %% (%.2f %%)", e.getKey(), 100 * shares.getOrDefault(e.getKey(), 0.0), 100 * e.getValue()))
                    .collect(Collectors.joining(", "));
            return wanted.size() <= NAMED ? named : named + " and " + (wanted.size() - NAMED) + " more";
        }

        private static Map<String, Double> shares(SortedMap<String, Long> counts) {
            double total = counts.values().stream().mapToLong(Long::longValue).sum();
            Map<String, Double> shares = new LinkedHashMap<>();
            counts.forEach((name, n) -> shares.put(name, total == 0 ? 0 : n / total));
            return shares;
        }
    }
}
