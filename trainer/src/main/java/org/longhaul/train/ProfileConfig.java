package org.longhaul.train;

import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.config.Doc;

/** Which steps are profiled. */
@Doc("Which steps are profiled: on every rank a page (text and JSON) of where time goes, a trace for Chrome or Perfetto, and NVTX ranges for Nsight.")
public record ProfileConfig(
        @Doc("First and last step, such as 10-12, or one step; without it nothing is profiled. Those steps run without CUDA graphs.") Optional<String> steps,
        @Doc("Where the files go; the folder profile in output by default.") Optional<Path> dir) {
    private static final Pattern RANGE = Pattern.compile("(\\d{1,12})(?:-(\\d{1,12}))?");

    /** Checks the range. */
    public ProfileConfig {
        if (steps.isPresent()) {
            range(steps.get());
        }
    }

    /** First and last profiled step. */
    record Range(long first, long last) {}

    /** The steps to profile. */
    Optional<Range> range() {
        return steps.map(ProfileConfig::range);
    }

    private static Range range(String text) {
        Matcher m = RANGE.matcher(text.trim());
        if (m.matches()) {
            long first = Long.parseLong(m.group(1));
            long last = m.group(2) == null ? first : Long.parseLong(m.group(2));
            if (first >= 1 && last >= first) {
                return new Range(first, last);
            }
        }
        throw new IllegalArgumentException("steps must be a step or a range such as 10-12: " + text);
    }
}
