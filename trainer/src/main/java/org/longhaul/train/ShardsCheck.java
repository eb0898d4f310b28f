package org.longhaul.train;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.longhaul.checkpoint.PlaceProbe;
import org.longhaul.checkpoint.StoredShards;
import org.longhaul.cli.Progress;
import org.longhaul.config.ConfigLoader;
import org.longhaul.doctor.DoctorCheck;
import org.longhaul.doctor.Finding;
import org.longhaul.doctor.Verification;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardVerifier;
import org.longhaul.shards.ShardVerifier.Fault;

/** The doctor's reading of whole data sets: every block of every file against the manifest, from a folder, HDFS or an object store. */
public final class ShardsCheck implements DoctorCheck {
    private static final Duration EVERY = Duration.ofSeconds(10);
    private static final int NAMED = 50;

    private final LongSupplier nanoTime;

    /** With the machine's clock. */
    public ShardsCheck() {
        this(System::nanoTime);
    }

    ShardsCheck(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    @Override
    public int order() {
        return 410;
    }

    @Override
    public List<Finding> look() {
        return List.of();
    }

    @Override
    public List<Finding> verify(Verification wanted) {
        Set<String> places = new LinkedHashSet<>();
        try {
            wanted.config().map(file -> ConfigLoader.load(file, wanted.overrides(), TrainConfig.class)).ifPresent(job -> {
                places.add(job.data().path().toString());
                job.validation().path().ifPresent(apart -> places.add(apart.toString()));
            });
        } catch (UserError e) {
            return List.of(Finding.bad("verify", e.getMessage().lines().findFirst().orElse(""), "mend the job's YAML, or name the data set with --data"));
        }
        places.addAll(wanted.places());
        List<Finding> findings = new ArrayList<>();
        for (String place : places) {
            findings.addAll(verify(place, wanted.threads()));
        }
        return findings;
    }

    private List<Finding> verify(String uri, int threads) {
        try (StoredShards place = StoredShards.at(uri)) {
            ShardVerifier verifier = ShardVerifier.open(place);
            long total = verifier.bytes();
            AtomicLong read = new AtomicLong();
            long start = nanoTime.getAsLong();
            List<Fault> faults;
            try (Progress progress = Progress.start(EVERY)) {
                faults = verifier.verify(threads, bytes -> {
                    long now = read.addAndGet(bytes);
                    progress.update(() -> "verify " + place.name() + ": " + far(now, total, nanoTime.getAsLong() - start));
                });
            }
            long nanos = nanoTime.getAsLong() - start;
            return faults.isEmpty() ? List.of(Finding.ok("verify", words(place.name(), verifier, threads, nanos))) : named(place.name(), faults, verifier.files());
        } catch (UserError e) {
            int cut = e.getMessage().indexOf("; ");
            String what = cut < 0 ? e.getMessage() : e.getMessage().substring(0, cut);
            String mend = cut < 0 ? "name another place" : e.getMessage().substring(cut + 2);
            return List.of(e.exitCode() == ExitCode.BAD_INPUT ? Finding.bad("verify", what, mend) : Finding.fail("verify", what, mend));
        } catch (IOException e) {
            return List.of(Finding.fail("verify", uri + ": " + e.getMessage(), "mend that place"));
        }
    }

    private static List<Finding> named(String place, List<Fault> faults, int files) {
        List<Finding> findings = new ArrayList<>();
        for (Fault fault : faults.subList(0, Math.min(NAMED, faults.size()))) {
            findings.add(fault.unreadable() ? Finding.fail("verify", fault.what(), fault.mend()) : Finding.bad("verify", fault.what(), fault.mend()));
        }
        if (faults.size() > NAMED) {
            List<Fault> rest = faults.subList(NAMED, faults.size());
            String more = place + ": " + rest.size() + " more of " + files + " files";
            findings.add(rest.stream().allMatch(Fault::unreadable) ? Finding.fail("verify", more + " cannot be read", "mend that place")
                    : Finding.bad("verify", more + " are damaged", "copy the whole data set again"));
        }
        return findings;
    }

    private static String words(String place, ShardVerifier verifier, int threads, long nanos) {
        String splits = verifier.manifest().splits().entrySet().stream()
                .map(split -> String.format(Locale.ROOT, "%s of %,d tokens in %d shards", split.getKey(), split.getValue().total().tokens(), split.getValue().shards().size()))
                .collect(Collectors.joining(", "));
        return String.format(Locale.ROOT, "%s: %s; %d files, %s, every checksum matches (%s with %d threads)", place, splits, verifier.files(),
                Sizes.bytes(verifier.bytes()), PlaceProbe.rate(verifier.bytes(), nanos), threads);
    }

    static String far(long read, long total, long nanos) {
        double left = read == 0 ? 0 : (double) (total - read) / read * nanos / 1e9;
        return Sizes.bytes(read) + " of " + Sizes.bytes(total) + ", " + PlaceProbe.rate(read, nanos) + ", " + Sizes.duration(left) + " left";
    }
}
