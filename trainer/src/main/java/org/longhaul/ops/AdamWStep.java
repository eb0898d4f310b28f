package org.longhaul.ops;

/**
 * The scalars of one AdamW update (Loshchilov &amp; Hutter 2019, decoupled decay).
 *
 * @param learningRate at this step
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the corrected second moment
 * @param weightDecay multiplies {@code learningRate · weight}
 * @param step number of the update, from 1, for the bias corrections 1 − βᵗ
 */
public record AdamWStep(double learningRate, double beta1, double beta2, double epsilon, double weightDecay, long step) {}
