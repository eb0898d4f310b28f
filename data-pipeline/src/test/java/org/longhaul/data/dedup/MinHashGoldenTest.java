package org.longhaul.data.dedup;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.longhaul.data.dedup.MinHashSettings.Mode;
import org.longhaul.data.dedup.MinHashSettings.ShingleHash;

/** Constants and hashes as numpy and datatrove give them. */
class MinHashGoldenTest {
    private static final String SHINGLE = "the quick brown fox jumps";

    @Test
    void laneConstantsEqualNumpy() {
        Lanes lanes = new Lanes(112);
        assertEquals(775169054918279404L, lanes.a[0]);
        assertEquals(1758426461858698313L, lanes.a[1]);
        assertEquals(2109959069025162L, lanes.a[2]);
        assertEquals(223865076026037746L, lanes.a[111]);
        assertEquals(1062448801025099917L, lanes.b[0]);
        assertEquals(1324811268927594100L, lanes.b[1]);
        assertEquals(1217488311597731462L, lanes.b[2]);
        assertEquals(1097409548522419201L, lanes.b[111]);
    }

    @Test
    void twisterEqualsItsPublishedOutput() {
        Mt19937 random = new Mt19937(5489);
        assertEquals(3499211612L, random.nextInt() & 0xFFFFFFFFL);
        for (int i = 2; i < 10_000; i++) {
            random.nextInt();
        }
        assertEquals(4123659995L, random.nextInt() & 0xFFFFFFFFL, "the 10000th output for the default seed");
    }

    @Test
    void shingleHashesAndLanes() {
        byte[] bytes = SHINGLE.getBytes(StandardCharsets.UTF_8);
        assertEquals(7797000677988824208L, MinHasher.hash(ShingleHash.XXH64, bytes));
        assertEquals(Long.parseUnsignedLong("12313522834835307089"), MinHasher.hash(ShingleHash.SHA1, bytes));
        MinHasher sha1 = new MinHasher(new MinHashSettings(Mode.DATATROVE, 14, 8, 5, 5, ShingleHash.SHA1));
        long[] signature = sha1.signature("The quick, brown fox... JUMPS!").orElseThrow();
        assertEquals(112, signature.length);
        assertEquals(1926946578595728186L, signature[0]);
        assertEquals(284080765670708113L, signature[1]);
        assertEquals(1962021756552065331L, signature[2]);
        assertTrue(sha1.signature("the quick brown fox").isEmpty(), "four words have no shingle");
        assertEquals("datatrove-sha1-5w-14x8", sha1.algorithm());
    }

    @Test
    void lanesEqualBigIntegerArithmetic() {
        Lanes lanes = new Lanes(112);
        BigInteger word = BigInteger.ONE.shiftLeft(64);
        BigInteger prime = BigInteger.ONE.shiftLeft(61).subtract(BigInteger.ONE);
        Random random = new Random(3);
        for (int round = 0; round < 200; round++) {
            long h = round == 0 ? -1 : random.nextLong();
            long[] signature = lanes.empty();
            lanes.lower(signature, h);
            for (int i = 0; i < 112; i++) {
                BigInteger expected = BigInteger.valueOf(lanes.a[i]).multiply(new BigInteger(Long.toUnsignedString(h)))
                        .add(BigInteger.valueOf(lanes.b[i])).mod(word).mod(prime);
                assertEquals(expected.longValueExact(), signature[i]);
            }
        }
    }

    @Test
    void textIsPreparedAsPublished() {
        assertEquals("cafe 0 users 0 of them paid", DatatroveText.normalize("  Café, 1,234 users: 3.5\tof them “paid”.\n"));
        assertEquals("0 0 a b", DatatroveText.normalize("1.2.3 a_b"));
        assertEquals(List.of("中文", "词"), DatatroveText.words("中文，词。"));
    }

    @Test
    void detectionCurve() {
        MinHashSettings settings = MinHashSettings.defaults();
        assertEquals(.565, settings.detectionProbability(.70), 5e-4);
        assertEquals(.772, settings.detectionProbability(.75), 5e-4);
        assertEquals(.924, settings.detectionProbability(.80), 5e-4);
        assertEquals(.988, settings.detectionProbability(.85), 5e-4);
    }

    @Test
    void bandDigestsDependOnTheirRowsOnly() {
        MinHasher hasher = new MinHasher(MinHashSettings.defaults());
        long[] one = hasher.signature("a text of several plain words to be hashed here").orElseThrow();
        long[] other = one.clone();
        other[8 * 3] ^= 1;
        long[] digests = hasher.bandDigests(one);
        long[] changed = hasher.bandDigests(other);
        assertEquals(14, digests.length);
        for (int band = 0; band < 14; band++) {
            assertEquals(band != 3, digests[band] == changed[band]);
        }
        assertArrayEquals(one, hasher.signature("A TEXT of several, plain words: to be hashed... here!").orElseThrow());
        assertFalse(hasher.algorithm().isEmpty());
    }
}
