package org.longhaul.model;

import java.nio.charset.StandardCharsets;

/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011). The value at (seed, tensor name, element) depends on
 * nothing else, so that every layout draws the same global weights in any order.
 */
final class Philox {
    private Philox() {}

    /** Four random words for a 128-bit counter and a 64-bit key, written to {@code out}. */
    static void block(long counterLow, long counterHigh, long key, int[] out) {
        int c0 = (int) counterLow;
        int c1 = (int) (counterLow >>> 32);
        int c2 = (int) counterHigh;
        int c3 = (int) (counterHigh >>> 32);
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        for (int round = 0; round < 10; round++) {
            long p0 = (c0 & 0xffffffffL) * 0xD2511F53L;
            long p1 = (c2 & 0xffffffffL) * 0xCD9E8D57L;
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
    }

    /** A 64-bit FNV-1a hash of a tensor's name, the counter's upper half. */
    static long nameKey(String tensor) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : tensor.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    /** Standard normals of elements {@code from} to {@code from + count} of a tensor, written to {@code out}. */
    static void normals(long seed, long nameKey, long from, float[] out, int at, int count, double std) {
        int[] words = new int[4];
        long current = -1;
        for (int i = 0; i < count; i++) {
            long element = from + i;
            if (element >>> 2 != current) {
                current = element >>> 2;
                block(current, nameKey, seed, words);
            }
            out[at + i] = (float) (std * normal(words[(int) (element & 3)]));
        }
    }

    /** A standard normal from 32 random bits: the inverse distribution function at the middle of the bits' interval. */
    static double normal(int bits) {
        return inverseNormal(((bits & 0xffffffffL) + 0.5) * 0x1p-32);
    }

    // Acklam's rational approximation (relative error below 1.2e-9). Only +, ·, /, √ and StrictMath: the same bits on every JVM.
    static double inverseNormal(double p) {
        double tail = Math.min(p, 1 - p);
        if (tail < 0.02425) {
            double q = Math.sqrt(-2 * StrictMath.log(tail));
            double x = (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q
                    - 2.549732539343734e+00) * q + 4.374664141464968e+00) * q + 2.938163982698783e+00)
                    / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q
                    + 3.754408661907416e+00) * q + 1);
            return p < 0.5 ? x : -x;
        }
        double q = p - 0.5;
        double r = q * q;
        return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r
                + 1.383577518672690e+02) * r - 3.066479806614716e+01) * r + 2.506628277459239e+00) * q
                / (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r
                + 6.680131188771972e+01) * r - 1.328068155288572e+01) * r + 1);
    }
}
