package org.longhaul.data.extract;

import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeTraversor;
import org.jsoup.select.NodeVisitor;

/** Tells elements that are no content by what they are or are called: navigation, forms, cookie notices, share bars. */
final class Boilerplate {
    private static final Set<String> NEVER_TEXT = Set.of(
            "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "canvas", "audio", "video", "map",
            "button", "select", "option", "textarea", "input", "datalist", "dialog", "menu", "rt", "rp", "annotation", "head",
            "link", "meta", "applet", "frameset");
    private static final Set<String> BY_TAG = Set.of("nav", "aside", "footer");
    private static final Set<String> BY_ROLE = Set.of(
            "navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog", "menu", "menubar",
            "toolbar", "tablist");
    private static final Set<String> BY_NAME = Set.of(
            "nav", "navbar", "navigation", "navbox", "menu", "submenu", "sidebar", "breadcrumb", "breadcrumbs", "footer", "cookie",
            "cookies", "consent", "gdpr", "popup", "modal", "overlay", "newsletter", "subscribe", "subscription", "share",
            "sharing", "social", "related", "recommended", "recommendations", "pagination", "pager", "advert", "advertisement",
            "ad", "ads", "sponsor", "sponsored", "promo", "banner", "toolbar", "comments", "disqus", "skiplink", "login",
            "signup", "masthead", "noprint", "editsection", "printfooter", "catlinks", "sitemap", "copyright", "widget",
            "taglist", "byline", "trackback", "respond");

    /** Text below an element, and whether it holds a mark of main content. */
    private static final class Weight {
        private int characters;
        private boolean holdsMain;
    }

    private final Map<Element, Weight> weights = new IdentityHashMap<>();
    private final int total;

    Boilerplate(Element root) {
        NodeTraversor.traverse(new NodeVisitor() {
            @Override
            public void head(Node node, int depth) {
                if (node instanceof Element element) {
                    weights.put(element, new Weight());
                } else if (node instanceof TextNode text && node.parent() instanceof Element parent && isText(parent)) {
                    weights.get(parent).characters += visible(text.getWholeText());
                }
            }

            @Override
            public void tail(Node node, int depth) {
                if (node instanceof Element element && element.parent() != null && weights.containsKey(element.parent())) {
                    Weight own = weights.get(element);
                    Weight above = weights.get(element.parent());
                    above.characters += own.characters;
                    String tag = element.normalName();
                    above.holdsMain |= own.holdsMain || tag.equals("main") || tag.equals("article") || tag.equals("h1");
                }
            }
        }, root);
        total = Math.max(1, weights.get(root).characters);
    }

    private static boolean isText(Element element) {
        return !NEVER_TEXT.contains(element.normalName());
    }

    private static int visible(String text) {
        int count = 0;
        for (int i = 0; i < text.length(); i++) {
            count += text.charAt(i) > ' ' ? 1 : 0;
        }
        return count;
    }

    /** Whether the element and all below it is left out. */
    boolean drops(Element element) {
        String tag = element.normalName();
        if (NEVER_TEXT.contains(tag)) {
            return true;
        }
        Weight weight = weights.get(element);
        if (weight == null || tag.equals("html") || tag.equals("body") || tag.equals("main") || tag.equals("article")) {
            return false;
        }
        if (isHidden(element) || tag.equals("sup") && element.hasClass("reference")) {
            return true;
        }
        double share = (double) weight.characters / total;
        if (BY_TAG.contains(tag) || BY_ROLE.contains(element.attr("role"))) {
            return share < 0.8 && !(weight.holdsMain && share > 0.2);
        }
        if (tag.equals("header")) {
            return !weight.holdsMain && share < 0.2;
        }
        // Wrappers are named after what stands beside the content ("with-sidebar"); they hold it, so they are heavy.
        return share < 0.3 && !weight.holdsMain && (named(element.className()) || named(element.id()));
    }

    private static boolean isHidden(Element element) {
        if (element.hasAttr("hidden") || element.attr("aria-hidden").equals("true")) {
            return true;
        }
        String style = element.attr("style");
        if (style.isEmpty()) {
            return false;
        }
        String compact = style.toLowerCase(Locale.ROOT).replace(" ", "");
        return compact.contains("display:none") || compact.contains("visibility:hidden");
    }

    /** Whether a name contains one of the words as a part of its own, between separators or humps. */
    static boolean named(String name) {
        if (name.isEmpty()) {
            return false;
        }
        int start = 0;
        for (int i = 0; i <= name.length(); i++) {
            boolean hump = i > 0 && i < name.length() && Character.isUpperCase(name.charAt(i)) && Character.isLowerCase(name.charAt(i - 1));
            boolean end = i == name.length() || !Character.isLetter(name.charAt(i));
            if (hump || end) {
                if (i > start && BY_NAME.contains(name.substring(start, i).toLowerCase(Locale.ROOT))) {
                    return true;
                }
                start = end ? i + 1 : i;
            }
        }
        return false;
    }
}
