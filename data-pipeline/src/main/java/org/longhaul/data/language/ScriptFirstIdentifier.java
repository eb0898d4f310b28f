package org.longhaul.data.language;

import com.github.pemistahl.lingua.api.Language;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.longhaul.error.UserError;

/**
 * Looks at the script first: Han, kana, Hangul, Greek and the like name the language alone or leave few to choose among;
 * only for those that share a script Lingua's letter models decide, among the candidates of that script. One instance per candidate
 * set serves the whole JVM, so that the models are held once.
 */
final class ScriptFirstIdentifier implements LanguageIdentifier {
    private static final Map<String, ScriptFirstIdentifier> INSTANCES = new ConcurrentHashMap<>();
    private static final Map<List<String>, TrigramModels> MODELS = new ConcurrentHashMap<>();

    private static final Map<LetterSample.Script, List<String>> BY_SCRIPT = new EnumMap<>(Map.ofEntries(
            Map.entry(LetterSample.Script.CYRILLIC, List.of("be", "bg", "kk", "mk", "mn", "ru", "sr", "uk")),
            Map.entry(LetterSample.Script.ARABIC, List.of("ar", "fa", "ur")),
            Map.entry(LetterSample.Script.DEVANAGARI, List.of("hi", "mr")),
            Map.entry(LetterSample.Script.HAN, List.of("zh", "ja")),
            Map.entry(LetterSample.Script.HANGUL, List.of("ko")),
            Map.entry(LetterSample.Script.GREEK, List.of("el")),
            Map.entry(LetterSample.Script.HEBREW, List.of("he")),
            Map.entry(LetterSample.Script.THAI, List.of("th")),
            Map.entry(LetterSample.Script.ARMENIAN, List.of("hy")),
            Map.entry(LetterSample.Script.GEORGIAN, List.of("ka")),
            Map.entry(LetterSample.Script.BENGALI, List.of("bn")),
            Map.entry(LetterSample.Script.GUJARATI, List.of("gu")),
            Map.entry(LetterSample.Script.GURMUKHI, List.of("pa")),
            Map.entry(LetterSample.Script.TAMIL, List.of("ta")),
            Map.entry(LetterSample.Script.TELUGU, List.of("te"))));

    private final int sampleCharacters;
    private final Map<LetterSample.Script, List<String>> candidates = new EnumMap<>(LetterSample.Script.class);

    private ScriptFirstIdentifier(Set<String> wanted, int sampleCharacters) {
        this.sampleCharacters = sampleCharacters;
        Set<String> elsewhere = new TreeSet<>();
        BY_SCRIPT.values().forEach(elsewhere::addAll);
        Map<String, Language> known = known();
        for (LetterSample.Script script : LetterSample.Script.values()) {
            List<String> list = new ArrayList<>();
            List<String> all = BY_SCRIPT.get(script);
            if (all == null && script == LetterSample.Script.LATIN) {
                all = known.keySet().stream().filter(code -> !elsewhere.contains(code)).sorted().toList();
            }
            if (all != null) {
                all.stream().filter(code -> wanted.isEmpty() || wanted.contains(code)).forEach(list::add);
            }
            candidates.put(script, list);
        }
    }

    /** The identifier of this JVM for the given settings. */
    static ScriptFirstIdentifier of(LanguageSettings settings) {
        Set<String> wanted = new TreeSet<>(settings.candidates());
        Map<String, Language> known = known();
        for (String code : wanted) {
            if (!known.containsKey(code)) {
                throw UserError.badInput("language.candidates: unknown language \"" + code + "\"; known are "
                        + String.join(", ", new TreeSet<>(known.keySet())));
            }
        }
        return INSTANCES.computeIfAbsent(
                wanted + "/" + settings.sampleCharacters(),
                key -> new ScriptFirstIdentifier(wanted, settings.sampleCharacters()));
    }

    private static Map<String, Language> known() {
        Map<String, Language> known = new HashMap<>();
        for (Language language : EnumSet.allOf(Language.class)) {
            if (language != Language.UNKNOWN) {
                known.put(code(language), language);
            }
        }
        return known;
    }

    private static String code(Language language) {
        return language.getIsoCode639_1().name().toLowerCase(Locale.ROOT);
    }

    @Override
    public Guess identify(String text) {
        LetterSample sample = LetterSample.of(text, sampleCharacters);
        if (sample.total() == 0) {
            return Guess.UNKNOWN;
        }
        LetterSample.Script script = sample.dominant();
        List<String> choices = candidates.get(script);
        if (script == LetterSample.Script.HAN) {
            return hanOrKana(sample, choices);
        }
        if (choices.isEmpty()) {
            return Guess.UNKNOWN;
        }
        if (choices.size() == 1) {
            return new Guess(choices.get(0), (double) sample.count(script) / sample.total());
        }
        return byTrigrams(sample.text(), choices, MODELS.computeIfAbsent(choices, TrigramModels::new));
    }

    /** Scores each different trigram inside words once; the confidence is the margin of the best mean over the second. */
    private static Guess byTrigrams(String text, List<String> choices, TrigramModels models) {
        float[] sums = new float[models.languages()];
        TrigramSet seen = new TrigramSet();
        int a = 0;
        int b = 0;
        for (int i = 0; i < text.length(); ) {
            int raw = text.codePointAt(i);
            i += Character.charCount(raw);
            if (!Character.isLetter(raw)) {
                a = 0;
                b = 0;
                continue;
            }
            int c = Character.toLowerCase(raw);
            if (a != 0 && seen.add(TrigramModels.key(a, b, c))) {
                models.add(a, b, c, sums);
            }
            a = b;
            b = c;
        }
        if (seen.size() == 0) {
            return Guess.UNKNOWN;
        }
        int best = 0;
        for (int k = 1; k < sums.length; k++) {
            best = sums[k] > sums[best] ? k : best;
        }
        float second = Float.NEGATIVE_INFINITY;
        for (int k = 0; k < sums.length; k++) {
            second = k != best && sums[k] > second ? sums[k] : second;
        }
        return new Guess(choices.get(best), 1 - sums[best] / second);
    }

    /** Japanese running text has kana in every clause; Chinese has none. */
    private static Guess hanOrKana(LetterSample sample, List<String> choices) {
        double han = sample.count(LetterSample.Script.HAN);
        double kana = sample.count(LetterSample.Script.KANA);
        String language = kana > 0.05 * (han + kana) ? "ja" : "zh";
        return choices.contains(language) ? new Guess(language, (han + kana) / sample.total()) : Guess.UNKNOWN;
    }
}
