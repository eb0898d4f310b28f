package org.longhaul.generate;

/**
 * How the next token is drawn from the logits.
 *
 * @param temperature divides the logits; 0 takes the likeliest token
 * @param topK draw among this many likeliest tokens; 0 among all
 * @param topP draw among the likeliest tokens that together have at least this probability; 1 among all
 */
record SamplerConfig(double temperature, int topK, double topP) {
    SamplerConfig {
        if (!(temperature >= 0)) {
            throw new IllegalArgumentException("temperature must not be negative: " + temperature);
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top-k must not be negative: " + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p must be above 0 and at most 1: " + topP);
        }
    }
}
