package org.longhaul.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code history.jsonl} tells of a run's starts and ends. */
final class RunHistory {
    private static final int FAILURES = 3;

    private RunHistory() {}

    /** What {@code failures.jsonl}, which the launcher writes, tells of the latest failed attempts. */
    static List<String> causes(List<JsonNode> failures) {
        return failures.subList(Math.max(0, failures.size() - FAILURES), failures.size()).stream().map(line -> {
            JsonNode cause = line.path("cause");
            if (line.has("verdict")) {
                return "cause       " + line.path("time").asText() + " behind step " + line.path("step").asText() + ": " + line.path("verdict").asText();
            }
            // As written before there was one.
            String how = cause.has("signal") ? "was ended by signal " + cause.path("signal").asText() : "ended with status " + cause.path("status").asText();
            return "cause       " + line.path("time").asText() + " behind step " + line.path("step").asText() + ": rank " + cause.path("rank").asText() + " on "
                    + cause.path("host").asText() + " " + how + (cause.path("words").asText().isEmpty() ? "" : ": " + cause.path("words").asText());
        }).toList();
    }

    /** The lines for the user: how often it started and how that ended, its last word, the latest failures. */
    static List<String> lines(List<JsonNode> history) {
        Map<String, Integer> ends = new LinkedHashMap<>();
        List<String> failures = new ArrayList<>();
        int starts = 0;
        JsonNode open = null;
        for (JsonNode line : history) {
            if (line.path("event").asText().equals("start")) {
                starts++;
                if (open != null) {
                    ends.merge("killed", 1, Integer::sum);
                }
                open = line;
            } else {
                String outcome = line.path("outcome").asText();
                ends.merge(outcome, 1, Integer::sum);
                if (outcome.equals("failed")) {
                    failures.add("failed      " + line.path("time").asText() + " at step " + line.path("step").asText() + ": " + line.path("why").asText());
                }
                open = null;
            }
        }
        List<String> lines = new ArrayList<>();
        if (starts == 0) {
            return lines;
        }
        List<String> counts = new ArrayList<>();
        ends.forEach((outcome, n) -> counts.add(n + " " + outcome));
        lines.add("history     " + starts + (starts == 1 ? " start" : " starts") + (counts.isEmpty() ? "" : ": " + String.join(", ", counts)));
        lines.addAll(failures.subList(Math.max(0, failures.size() - FAILURES), failures.size()));
        JsonNode last = history.get(history.size() - 1);
        if (open != null) {
            lines.add("now         runs since " + open.path("time").asText() + " on " + open.path("host").asText() + " as " + open.path("layout").asText() + " ("
                    + open.path("how").asText() + " at step " + open.path("step").asText() + "), or was killed");
        } else {
            String why = last.path("why").asText();
            lines.add("last        " + last.path("time").asText() + " " + last.path("outcome").asText() + " at step " + last.path("step").asText()
                    + (why.isEmpty() || last.path("outcome").asText().equals("failed") ? "" : " by " + why));
        }
        return lines;
    }
}
