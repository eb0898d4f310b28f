package org.longhaul.train;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers for people. */
public final class Sizes {
    private Sizes() {}

    /** Bytes in binary units. */
    public static String bytes(long n) {
        if (n < 1L << 20) {
            return String.format(Locale.ROOT, "%.1f KiB", n / 1024.0);
        }
        if (n < 1L << 30) {
            return String.format(Locale.ROOT, "%.1f MiB", n / (double) (1 << 20));
        }
        return n < 1L << 40 ? String.format(Locale.ROOT, "%.2f GiB", n / (double) (1L << 30)) : String.format(Locale.ROOT, "%.2f TiB", n / (double) (1L << 40));
    }

    /** A count in units of thousands: 352.3M, 6.910B, 67.425B. */
    public static String count(double n) {
        String[] units = {"", "K", "M", "B", "T", "P", "E", "Z", "Y"};
        int unit = 0;
        double value = n;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        String pattern = unit == 0 && value == Math.rint(value) ? "%.0f%s" : value >= 100 ? "%.1f%s" : "%.3f%s";
        return String.format(Locale.ROOT, pattern, value, units[unit]);
    }

    /** A learning rate: as many digits as tell it, without the noise of binary fractions. */
    static String rate(double rate) {
        return new BigDecimal(rate).round(new MathContext(8)).stripTrailingZeros().toString();
    }

    /** A duration in the two units that matter. */
    public static String duration(double seconds) {
        if (seconds < 120) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        if (seconds < 7200) {
            return String.format(Locale.ROOT, "%.0f min", seconds / 60);
        }
        return seconds < 48 * 3600
                ? String.format(Locale.ROOT, "%.1f h", seconds / 3600)
                : String.format(Locale.ROOT, "%.1f days", seconds / 86_400);
    }
}
