package org.longhaul.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.longhaul.error.UserError;

/**
 * What a training run reached, from its metrics and the data's manifest. Losses are in nats per token.
 *
 * @param steps last step
 * @param tokens training tokens up to it
 * @param firstLoss of the first step
 * @param lastLoss training loss, mean of the last tenth of the steps
 * @param firstValidation of the first validation
 * @param lastValidation of the last validation
 * @param firstBitsPerByte at the first validation
 * @param bitsPerByte at the last validation
 * @param unigramEntropy of the validation split: what knowing only the frequencies of tokens would reach
 * @param tokensPerSecond median over the steps
 */
record RunSummary(long steps, long tokens, double firstLoss, double lastLoss, OptionalDouble firstValidation, OptionalDouble lastValidation,
        OptionalDouble firstBitsPerByte, OptionalDouble bitsPerByte, double unigramEntropy, double tokensPerSecond) {

    /** Reads the lines of {@code metrics.jsonl}; {@code file} names them in messages. */
    static RunSummary of(List<JsonNode> lines, double unigramEntropy, String file) {
        List<JsonNode> steps = lines.stream().filter(line -> line.path("loss").isNumber()).toList();
        List<JsonNode> validations = lines.stream().filter(line -> line.path("validation_loss").isNumber()).toList();
        if (steps.isEmpty()) {
            throw UserError.badInput(file + ": holds no finished step");
        }
        JsonNode last = steps.get(steps.size() - 1);
        int tail = Math.max(1, steps.size() / 10);
        double lastLoss = steps.subList(steps.size() - tail, steps.size()).stream().mapToDouble(line -> line.get("loss").asDouble()).average().orElseThrow();
        List<Double> rates = new ArrayList<>(steps.stream().map(line -> line.path("tokens_per_second").asDouble()).sorted().toList());
        return new RunSummary(last.get("step").asLong(), last.path("consumed_tokens").asLong(), steps.get(0).get("loss").asDouble(), lastLoss,
                value(validations, 0, "validation_loss"), value(validations, validations.size() - 1, "validation_loss"),
                value(validations, 0, "bits_per_byte"), value(validations, validations.size() - 1, "bits_per_byte"),
                unigramEntropy, rates.get(rates.size() / 2));
    }

    private static OptionalDouble value(List<JsonNode> lines, int index, String key) {
        return lines.isEmpty() || !lines.get(index).path(key).isNumber() ? OptionalDouble.empty() : OptionalDouble.of(lines.get(index).get(key).asDouble());
    }

    /** The loss that counts: of the validation split where it was measured. */
    double finalLoss() {
        return lastValidation.orElse(lastLoss);
    }

    /** Whether the model knows more than how often each token occurs. */
    boolean belowUnigramEntropy() {
        return finalLoss() < unigramEntropy;
    }

    /** The lines for the user. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(format("training    %,d steps, %,d tokens, %,.0f tokens/s; loss %.3f → %.3f nats per token", steps, tokens, tokensPerSecond, firstLoss, lastLoss));
        if (lastValidation.isPresent()) {
            lines.add(format("validation  loss %.3f → %.3f nats per token", firstValidation.getAsDouble(), lastValidation.getAsDouble()));
        }
        if (bitsPerByte.isPresent()) {
            lines.add(format("            %.3f → %.3f bits per byte of text", firstBitsPerByte.getAsDouble(), bitsPerByte.getAsDouble()));
        }
        double gap = unigramEntropy - finalLoss();
        lines.add(format("unigram     entropy %.3f nats per token: the model is %.3f %s it", unigramEntropy, Math.abs(gap), gap > 0 ? "below" : "ABOVE"));
        return lines;
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
