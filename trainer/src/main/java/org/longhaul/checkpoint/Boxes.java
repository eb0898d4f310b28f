package org.longhaul.checkpoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.longhaul.model.Box;

/** Arithmetic on {@link Box}es: intersection, difference, and the decomposition of flat element ranges into boxes. */
final class Boxes {
    private Boxes() {}

    /**
     * A box that lies contiguously in a flat buffer.
     *
     * @param box the part of the global tensor
     * @param start its first element's index in the flat buffer
     */
    record Piece(Box box, long start) {}

    /** The common part of two boxes of one tensor, empty when they do not touch. */
    static Optional<Box> intersect(Box a, Box b) {
        requireSameTensor(a, b);
        int rank = a.offset().length;
        long[] offset = new long[rank];
        long[] extent = new long[rank];
        for (int i = 0; i < rank; i++) {
            offset[i] = Math.max(a.offset()[i], b.offset()[i]);
            extent[i] = Math.min(a.offset()[i] + a.extent()[i], b.offset()[i] + b.extent()[i]) - offset[i];
            if (extent[i] <= 0) {
                return Optional.empty();
            }
        }
        return Optional.of(new Box(a.tensor(), a.globalShape(), offset, extent));
    }

    /** What is left of {@code a} without {@code b}, as disjoint boxes. */
    static List<Box> subtract(Box a, Box b) {
        Optional<Box> common = intersect(a, b);
        if (common.isEmpty()) {
            return a.elements() == 0 ? List.of() : List.of(a);
        }
        Box hole = common.get();
        List<Box> rest = new ArrayList<>();
        long[] offset = a.offset().clone();
        long[] extent = a.extent().clone();
        for (int i = 0; i < offset.length; i++) {
            long before = hole.offset()[i] - offset[i];
            if (before > 0) {
                rest.add(with(a, offset, extent, i, offset[i], before));
            }
            long after = offset[i] + extent[i] - hole.offset()[i] - hole.extent()[i];
            if (after > 0) {
                rest.add(with(a, offset, extent, i, hole.offset()[i] + hole.extent()[i], after));
            }
            offset[i] = hole.offset()[i];
            extent[i] = hole.extent()[i];
        }
        return rest;
    }

    /** The parts of {@code wanted} that none of {@code stored} holds. */
    static List<Box> missing(Box wanted, List<Box> stored) {
        List<Box> open = wanted.elements() == 0 ? List.of() : List.of(wanted);
        for (Box s : stored) {
            List<Box> next = new ArrayList<>();
            for (Box o : open) {
                next.addAll(subtract(o, s));
            }
            open = next;
            if (open.isEmpty()) {
                break;
            }
        }
        return open;
    }

    /**
     * Elements {@code from} (inclusive) to {@code to} (exclusive) of the flat, row-major box as boxes in ascending order: at most
     * 2·rank − 1 of them, so at most three of a matrix (end of a row, whole rows, start of a row). This is what a ZeRO-1 rank holds.
     * {@link Piece#start} counts from the first element of the whole box.
     */
    static List<Piece> flatRange(Box box, long from, long to) {
        if (from < 0 || to < from || to > box.elements()) {
            throw new IndexOutOfBoundsException(box + ": elements " + from + " to " + to + " of " + box.elements());
        }
        List<Piece> pieces = new ArrayList<>();
        if (from < to) {
            split(box, 0, box.offset().clone(), onesOf(box), from, to, 0, pieces);
        }
        return pieces;
    }

    /**
     * The same for a buffer that holds several boxes one after the other (a packed parameter); {@link Piece#start} counts from
     * the start of the buffer.
     */
    static List<Piece> flatRange(List<Box> boxes, long from, long to) {
        List<Piece> pieces = new ArrayList<>();
        long base = 0;
        for (Box b : boxes) {
            long lo = Math.max(from - base, 0);
            long hi = Math.min(to - base, b.elements());
            if (lo < hi) {
                for (Piece p : flatRange(b, lo, hi)) {
                    pieces.add(new Piece(p.box(), p.start() + base));
                }
            }
            base += b.elements();
        }
        if (from < 0 || to < from || to > base) {
            throw new IndexOutOfBoundsException("elements " + from + " to " + to + " of a buffer of " + base);
        }
        return pieces;
    }

    private static long[] onesOf(Box box) {
        long[] ones = new long[box.extent().length];
        Arrays.fill(ones, 1);
        return ones;
    }

    // Dimensions before `dim` are fixed in offset/extent; from and to count inside what they fix, `base` is where that starts.
    private static void split(Box box, int dim, long[] offset, long[] extent, long from, long to, long base, List<Piece> out) {
        int rank = extent.length;
        if (dim == rank) {
            out.add(new Piece(new Box(box.tensor(), box.globalShape(), offset.clone(), extent.clone()), base + from));
            return;
        }
        long inner = 1;
        for (int i = dim + 1; i < rank; i++) {
            inner *= box.extent()[i];
        }
        long first = from / inner;
        if (from % inner != 0 || to - from < inner) {
            long end = Math.min(to, (first + 1) * inner);
            offset[dim] = box.offset()[dim] + first;
            extent[dim] = 1;
            split(box, dim + 1, offset, extent, from - first * inner, end - first * inner, base + first * inner, out);
            restoreFrom(box, dim, offset, extent);
            if (end < to) {
                split(box, dim, offset, extent, end, to, base, out);
            }
            return;
        }
        long rows = (to - from) / inner;
        for (int i = dim; i < rank; i++) {
            offset[i] = box.offset()[i];
            extent[i] = box.extent()[i];
        }
        offset[dim] += first;
        extent[dim] = rows;
        out.add(new Piece(new Box(box.tensor(), box.globalShape(), offset.clone(), extent.clone()), base + from));
        restoreFrom(box, dim, offset, extent);
        long end = from + rows * inner;
        if (end < to) {
            split(box, dim, offset, extent, end, to, base, out);
        }
    }

    private static void restoreFrom(Box box, int dim, long[] offset, long[] extent) {
        for (int i = dim; i < extent.length; i++) {
            offset[i] = box.offset()[i];
            extent[i] = 1;
        }
    }

    private static Box with(Box a, long[] offset, long[] extent, int dim, long from, long size) {
        long[] o = offset.clone();
        long[] e = extent.clone();
        o[dim] = from;
        e[dim] = size;
        return new Box(a.tensor(), a.globalShape(), o, e);
    }

    private static void requireSameTensor(Box a, Box b) {
        if (!a.tensor().equals(b.tensor()) || !Arrays.equals(a.globalShape(), b.globalShape())) {
            throw new IllegalArgumentException("not boxes of one tensor: " + a + ", " + b);
        }
    }
}
