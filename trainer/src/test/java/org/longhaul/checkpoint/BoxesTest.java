package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.longhaul.model.Box;

/** Box arithmetic against sets of single elements. */
class BoxesTest {
    @Test
    void intersectionIsTheCommonElements() {
        forSeeds((random, where) -> {
            long[] shape = shape(random);
            Box a = box(random, shape);
            Box b = box(random, shape);
            Set<Long> common = elements(a);
            common.retainAll(elements(b));
            assertEquals(common, Boxes.intersect(a, b).map(BoxesTest::elements).orElse(Set.of()), where);
        });
    }

    @Test
    void differenceIsTheOtherElementsOnce() {
        forSeeds((random, where) -> {
            long[] shape = shape(random);
            Box a = box(random, shape);
            Box b = box(random, shape);
            Set<Long> rest = elements(a);
            rest.removeAll(elements(b));
            List<Box> pieces = Boxes.subtract(a, b);
            assertEquals(rest.size(), pieces.stream().mapToLong(Box::elements).sum(), where);
            assertEquals(rest, union(pieces), where);
        });
    }

    @Test
    void missingIsWhatNoStoredBoxHolds() {
        forSeeds((random, where) -> {
            long[] shape = shape(random);
            Box wanted = box(random, shape);
            List<Box> stored = new ArrayList<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                stored.add(box(random, shape));
            }
            Set<Long> open = elements(wanted);
            open.removeAll(union(stored));
            assertEquals(open, union(Boxes.missing(wanted, stored)), where);
        });
    }

    @Test
    void flatRangesAreTheSameElementsInTheSameOrder() {
        forSeeds((random, where) -> {
            Box box = box(random, shape(random));
            List<Long> flat = ordered(box);
            int from = random.nextInt(flat.size() + 1);
            int to = from + random.nextInt(flat.size() - from + 1);
            List<Boxes.Piece> pieces = Boxes.flatRange(box, from, to);
            assertTrue(pieces.size() <= Math.max(1, 2 * box.extent().length - 1), () -> where + ": " + pieces.size() + " pieces");
            List<Long> got = new ArrayList<>();
            long next = from;
            for (Boxes.Piece p : pieces) {
                assertEquals(next, p.start(), where);
                got.addAll(ordered(p.box()));
                next += p.box().elements();
            }
            assertEquals(flat.subList(from, to), got, where);
        });
    }

    @Test
    void aZeroRangeOfAMatrixIsAtMostThreeBoxes() {
        Box q = new Box("q", new long[] {8, 6}, new long[] {4, 0}, new long[] {4, 6});
        List<Boxes.Piece> pieces = Boxes.flatRange(q, 3, 20);
        assertEquals(List.of(
                new Boxes.Piece(new Box("q", q.globalShape(), new long[] {4, 3}, new long[] {1, 3}), 3),
                new Boxes.Piece(new Box("q", q.globalShape(), new long[] {5, 0}, new long[] {2, 6}), 6),
                new Boxes.Piece(new Box("q", q.globalShape(), new long[] {7, 0}, new long[] {1, 2}), 18)), pieces);
    }

    @Test
    void aRangeOfAPackedBufferCrossesItsBoxes() {
        Box q = Box.whole("q", 2, 3);
        Box k = Box.whole("k", 1, 3);
        List<Boxes.Piece> pieces = Boxes.flatRange(List.of(q, k), 4, 8);
        assertEquals(List.of(
                new Boxes.Piece(new Box("q", new long[] {2, 3}, new long[] {1, 1}, new long[] {1, 2}), 4),
                new Boxes.Piece(new Box("k", new long[] {1, 3}, new long[] {0, 0}, new long[] {1, 2}), 6)), pieces);
    }

    @Test
    void refusesRangesOutside() {
        assertThrows(IndexOutOfBoundsException.class, () -> Boxes.flatRange(Box.whole("a", 4), 2, 5));
        assertThrows(IndexOutOfBoundsException.class, () -> Boxes.flatRange(List.of(Box.whole("a", 4)), 2, 5));
        assertThrows(IllegalArgumentException.class, () -> Boxes.intersect(Box.whole("a", 4), Box.whole("b", 4)));
    }

    private interface Property {
        void check(Random random, String where);
    }

    private static void forSeeds(Property property) {
        for (long seed = 0; seed < 400; seed++) {
            property.check(new Random(seed), "seed " + seed);
        }
    }

    static long[] shape(Random random) {
        long[] shape = new long[1 + random.nextInt(3)];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = 1 + random.nextInt(6);
        }
        return shape;
    }

    static Box box(Random random, long[] shape) {
        long[] offset = new long[shape.length];
        long[] extent = new long[shape.length];
        for (int i = 0; i < shape.length; i++) {
            offset[i] = random.nextInt((int) shape[i]);
            extent[i] = 1 + random.nextInt((int) (shape[i] - offset[i]));
        }
        return new Box("t", shape, offset, extent);
    }

    private static Set<Long> union(List<Box> boxes) {
        Set<Long> all = new HashSet<>();
        boxes.forEach(b -> all.addAll(elements(b)));
        return all;
    }

    private static Set<Long> elements(Box box) {
        return new TreeSet<>(ordered(box));
    }

    /** Global flat indices of a box's elements in row-major order. */
    static List<Long> ordered(Box box) {
        List<Long> out = new ArrayList<>();
        for (long i = 0; i < box.elements(); i++) {
            long rest = i;
            long global = 0;
            long stride = 1;
            for (int d = box.extent().length - 1; d >= 0; d--) {
                global += (box.offset()[d] + rest % box.extent()[d]) * stride;
                rest /= box.extent()[d];
                stride *= box.globalShape()[d];
            }
            out.add(global);
        }
        return out;
    }
}
