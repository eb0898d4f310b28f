package org.longhaul.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PhiloxTest {
    @Test
    void knownAnswers() {
        // The vectors published with Random123.
        int[] out = new int[4];
        Philox.block(0, 0, 0, out);
        assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, out);
        Philox.block(-1, -1, -1, out);
        assertArrayEquals(new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, out);
        Philox.block(0x85a308d3243f6a88L, 0x0370734413198a2eL, 0x299f31d0a4093822L, out);
        assertArrayEquals(new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}, out);
    }

    @Test
    void inverseNormalHitsKnownQuantiles() {
        assertEquals(0, Philox.inverseNormal(0.5), 1e-15);
        assertEquals(1.959963984540054, Philox.inverseNormal(0.975), 1e-8);
        assertEquals(-2.326347874040841, Philox.inverseNormal(0.01), 1e-8);
        assertEquals(3.090232306167813, Philox.inverseNormal(0.999), 1e-8);
        assertEquals(-6.361340902404056, Philox.inverseNormal(1e-10), 1e-7);
    }

    @Test
    void momentsAreThoseOfTheNormal() {
        float[] x = new float[400_000];
        Philox.normals(5, Philox.nameKey("w"), 0, x, 0, x.length, 0.006);
        double mean = 0;
        double square = 0;
        double fourth = 0;
        for (float v : x) {
            double n = v / 0.006;
            mean += n / x.length;
            square += n * n / x.length;
            fourth += n * n * n * n / x.length;
        }
        assertEquals(0, mean, 0.01);
        assertEquals(1, square, 0.01);
        assertEquals(3, fourth, 0.1);
    }

    @Test
    void anyPartEqualsTheWhole() {
        float[] whole = new float[1000];
        Philox.normals(5, 9, 0, whole, 0, 1000, 1);
        float[] part = new float[333];
        Philox.normals(5, 9, 501, part, 0, 333, 1);
        assertArrayEquals(Arrays.copyOfRange(whole, 501, 834), part);
    }
}
