package org.longhaul.data.dedup;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
import org.longhaul.data.text.FoldedTokens;

/**
 * MinHash signatures of texts and the band digests by which near-duplicates meet. Thread-safe; the result depends on the text
 * and the settings only.
 */
public final class MinHasher {
    private static final Hasher64 XXH64 = Hashing.xxh64();
    private static final Hasher64 DIGEST = Hashing.xxh3_64();

    private final MinHashSettings settings;
    private final Lanes lanes;
    private final ThreadLocal<FoldedTokens> tokens = ThreadLocal.withInitial(FoldedTokens::new);

    /** A hasher with the given settings. */
    public MinHasher(MinHashSettings settings) {
        this.settings = settings;
        this.lanes = new Lanes(settings.bands() * settings.rows());
    }

    /** Name and version of the arithmetic: hashes may be compared only under equal names. */
    public String algorithm() {
        String kind = switch (settings.mode()) {
            case FAST -> "longhaul-1-" + settings.wordShingle() + "w" + settings.characterShingle() + "c";
            case DATATROVE -> "datatrove-" + settings.shingleHash().name().toLowerCase(java.util.Locale.ROOT) + "-"
                    + settings.wordShingle() + "w";
        };
        return kind + "-" + settings.bands() + "x" + settings.rows();
    }

    /**
     * The signature, bands × rows values below 2^61 − 1; empty for a text with fewer tokens than a shingle has, which no
     * near-duplicate can be found of.
     */
    public Optional<long[]> signature(String text) {
        long[] signature = lanes.empty();
        boolean any = switch (settings.mode()) {
            case FAST -> fast(text, signature);
            case DATATROVE -> datatrove(text, signature);
        };
        return any ? Optional.of(signature) : Optional.empty();
    }

    private boolean fast(String text, long[] signature) {
        FoldedTokens found = tokens.get();
        found.load(text);
        int n = found.shingleSize(settings.wordShingle(), settings.characterShingle());
        for (int i = 0; i + n <= found.count(); i++) {
            lanes.lower(signature, found.shingle(i, n));
        }
        return found.count() >= n;
    }

    private boolean datatrove(String text, long[] signature) {
        List<String> words = DatatroveText.words(text);
        int n = settings.wordShingle();
        for (int i = 0; i + n <= words.size(); i++) {
            byte[] shingle = String.join(" ", words.subList(i, i + n)).getBytes(StandardCharsets.UTF_8);
            lanes.lower(signature, hash(settings.shingleHash(), shingle));
        }
        return words.size() >= n;
    }

    static long hash(MinHashSettings.ShingleHash kind, byte[] shingle) {
        return switch (kind) {
            case XXH64 -> XXH64.hashBytesToLong(shingle);
            case SHA1 -> sha1(shingle);
        };
    }

    private static long sha1(byte[] bytes) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-1").digest(bytes);
            long value = 0;
            for (int i = 7; i >= 0; i--) {
                value = value << 8 | digest[i] & 0xFF;
            }
            return value;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }

    /** The 64-bit digest of each band of a signature; texts with an equal digest in an equal band are candidates. */
    public long[] bandDigests(long[] signature) {
        long[] digests = new long[settings.bands()];
        byte[] bytes = new byte[settings.rows() * 8];
        java.nio.ByteBuffer buffer = java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        for (int band = 0; band < digests.length; band++) {
            buffer.clear();
            for (int row = 0; row < settings.rows(); row++) {
                buffer.putLong(signature[band * settings.rows() + row]);
            }
            digests[band] = DIGEST.hashBytesToLong(bytes);
        }
        return digests;
    }

    /** The different shingle hashes of a text in ascending order, for {@link #similarity}. */
    public long[] shingles(String text) {
        FoldedTokens found = tokens.get();
        found.load(text);
        int n = found.shingleSize(settings.wordShingle(), settings.characterShingle());
        int count = Math.max(0, found.count() - n + 1);
        long[] hashes = new long[count];
        for (int i = 0; i < count; i++) {
            hashes[i] = found.shingle(i, n);
        }
        java.util.Arrays.sort(hashes);
        int distinct = 0;
        for (int i = 0; i < count; i++) {
            if (i == 0 || hashes[i] != hashes[i - 1]) {
                hashes[distinct++] = hashes[i];
            }
        }
        return java.util.Arrays.copyOf(hashes, distinct);
    }

    /** Exact Jaccard similarity of two results of {@link #shingles}: common over all. */
    public static double similarity(long[] left, long[] right) {
        int i = 0;
        int k = 0;
        int common = 0;
        while (i < left.length && k < right.length) {
            if (left[i] == right[k]) {
                common++;
                i++;
                k++;
            } else if (left[i] < right[k]) {
                i++;
            } else {
                k++;
            }
        }
        int all = left.length + right.length - common;
        return all == 0 ? 0 : (double) common / all;
    }
}
