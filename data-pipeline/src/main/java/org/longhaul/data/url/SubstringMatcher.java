package org.longhaul.data.url;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whether any of many strings occurs in a text: the automaton of Aho and Corasick (1975). Immutable. */
final class SubstringMatcher {
    private final List<Map<Character, Integer>> next = new ArrayList<>();
    private final List<Boolean> ends = new ArrayList<>();
    private final List<Integer> fallback = new ArrayList<>();

    SubstringMatcher(Set<String> strings) {
        state();
        for (String s : strings) {
            int at = 0;
            for (int i = 0; i < s.length(); i++) {
                Integer to = next.get(at).get(s.charAt(i));
                if (to == null) {
                    to = state();
                    next.get(at).put(s.charAt(i), to);
                }
                at = to;
            }
            ends.set(at, at != 0);
        }
        ArrayDeque<Integer> queue = new ArrayDeque<>(next.get(0).values());
        while (!queue.isEmpty()) {
            int at = queue.poll();
            next.get(at).forEach((c, to) -> {
                fallback.set(to, step(fallback.get(at), c));
                ends.set(to, ends.get(to) || ends.get(fallback.get(to)));
                queue.add(to);
            });
        }
    }

    private int state() {
        next.add(new HashMap<>());
        ends.add(false);
        fallback.add(0);
        return next.size() - 1;
    }

    private int step(int from, char c) {
        int at = from;
        while (true) {
            Integer to = next.get(at).get(c);
            if (to != null) {
                return to;
            }
            if (at == 0) {
                return 0;
            }
            at = fallback.get(at);
        }
    }

    boolean occursIn(String text) {
        int at = 0;
        for (int i = 0; i < text.length() && next.size() > 1; i++) {
            at = step(at, text.charAt(i));
            if (ends.get(at)) {
                return true;
            }
        }
        return false;
    }
}
