package org.longhaul.data.extract;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jsoup.nodes.Element;

/** Finds the element that holds the content, so that stray good blocks elsewhere (teasers, notices) are left out. */
final class MainRegion {
    private static final double SEMANTIC_SHARE = 0.5;
    private static final double PATH_SHARE = 0.8;

    private MainRegion() {}

    /** The region, never null: the body where nothing narrower holds enough of the good text. */
    static Element of(Element body, List<Block> blocks) {
        Map<Element, double[]> good = new IdentityHashMap<>();
        double total = 0;
        for (Block block : blocks) {
            if (block.mark == Block.Mark.GOOD) {
                total += block.width;
                for (Element e = block.container; e != null; e = e.parent()) {
                    good.computeIfAbsent(e, k -> new double[1])[0] += block.width;
                    if (e == body) {
                        break;
                    }
                }
            }
        }
        Element semantic = null;
        double best = SEMANTIC_SHARE * total;
        for (Block block : blocks) {
            for (Element e = block.container; e != null && e != body; e = e.parent()) {
                boolean main = e.normalName().equals("main") || e.normalName().equals("article") || e.attr("role").equals("main");
                double[] weight = main ? good.get(e) : null;
                if (weight != null && weight[0] > best) {
                    best = weight[0];
                    semantic = e;
                }
            }
        }
        return semantic != null ? semantic : descend(body, good, total);
    }

    private static Element descend(Element body, Map<Element, double[]> good, double total) {
        Element region = body;
        while (true) {
            Element next = null;
            for (Element child = region.firstElementChild(); child != null; child = child.nextElementSibling()) {
                double[] weight = good.get(child);
                if (weight != null && weight[0] >= PATH_SHARE * total && total > 0) {
                    next = child;
                    break;
                }
            }
            if (next == null) {
                return region;
            }
            region = next;
        }
    }

    /** The elements below and including the region that are containers of blocks. */
    static Set<Element> inside(Element region, List<Block> blocks) {
        Set<Element> inside = java.util.Collections.newSetFromMap(new IdentityHashMap<>());
        Set<Element> outside = java.util.Collections.newSetFromMap(new IdentityHashMap<>());
        for (Block block : blocks) {
            List<Element> path = new ArrayList<>();
            Element e = block.container;
            while (e != null && e != region && !inside.contains(e) && !outside.contains(e)) {
                path.add(e);
                e = e.parent();
            }
            (e != null && !outside.contains(e) ? inside : outside).addAll(path);
        }
        inside.add(region);
        return inside;
    }
}
