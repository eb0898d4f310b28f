package org.longhaul.data.language;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.pemistahl.lingua.api.LanguageDetector;
import com.github.pemistahl.lingua.api.LanguageDetectorBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.longhaul.data.Document;
import org.longhaul.data.DocumentId;
import org.longhaul.data.SharedData;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.read.ReadSettings;
import org.longhaul.data.read.RecordFiles;
import org.longhaul.data.read.RecordReader;
import org.longhaul.error.UserError;

class LanguageTest {
    private static final LanguageSettings DETECT = new LanguageSettings(true, false, List.of(), List.of(), 1000, 0, true);
    private final LanguageIdentifier identifier = ScriptFirstIdentifier.of(DETECT);

    private static Document document(String language, String text) {
        return new Document(DocumentId.of("s", "r", text), "s", language, "", text);
    }

    @Test
    void scriptsAndModelsTellLanguages() {
        Map<String, String> samples = Map.ofEntries(
                Map.entry("en", "The committee will meet again on Thursday to discuss the new proposal."),
                Map.entry("fr", "Le comité se réunira de nouveau jeudi pour discuter de la nouvelle proposition."),
                Map.entry("de", "Der Ausschuss wird sich am Donnerstag wieder treffen, um den neuen Vorschlag zu besprechen."),
                Map.entry("es", "El comité se reunirá de nuevo el jueves para discutir la nueva propuesta."),
                Map.entry("ru", "Комитет снова соберётся в четверг, чтобы обсудить новое предложение."),
                Map.entry("uk", "Комітет знову збереться у четвер, щоб обговорити нову пропозицію."),
                Map.entry("ar", "ستجتمع اللجنة مرة أخرى يوم الخميس لمناقشة الاقتراح الجديد."),
                Map.entry("fa", "کمیته پنجشنبه دوباره برای بحث درباره پیشنهاد جدید تشکیل جلسه می‌دهد."),
                Map.entry("zh", "欲出未出光辣達，千山萬山如火發。"),
                Map.entry("ja", "委員会は木曜日に再び会合を開き、新しい提案について話し合う。"),
                Map.entry("ko", "위원회는 목요일에 다시 모여 새로운 제안을 논의할 것이다."),
                Map.entry("el", "Η επιτροπή θα συνεδριάσει ξανά την Πέμπτη."),
                Map.entry("th", "คณะกรรมการจะประชุมอีกครั้งในวันพฤหัสบดี"),
                Map.entry("hi", "समिति नए प्रस्ताव पर चर्चा करने के लिए गुरुवार को फिर से मिलेगी।"));
        samples.forEach((language, text) -> assertEquals(language, identifier.identify(text).language(), text));
        assertEquals("", identifier.identify("12345 !!! ---").language());
        assertEquals("", identifier.identify("").language());
    }

    @Test
    void codeAndAddressesDoNotDecide() {
        String text = "# am\n\n> Gestor de actividades de Android.\n> Más información: <https://developer.android.com/tools/adb>.\n\n"
                + "- Inicia una actividad especificando el componente:\n\n`am start -n the_package/and_the_activity with this that`\n";
        assertEquals("es", identifier.identify(text).language());
        assertEquals("", identifier.identify("https://example.org/a/b/c user@example.org").language());
    }

    @Test
    void oneInstanceServesManyThreadsWithEqualAnswers() {
        assertSame(identifier, ScriptFirstIdentifier.of(DETECT));
        String[] texts = {
            "a short text in plain English words", "un texte court en français", "ein kurzer deutscher Satz hier", "un breve texto en español"
        };
        Map<String, LanguageIdentifier.Guess> first = new ConcurrentHashMap<>();
        IntStream.range(0, 400).parallel().forEach(i -> {
            String text = texts[i % texts.length];
            LanguageIdentifier.Guess guess = identifier.identify(text);
            LanguageIdentifier.Guess before = first.putIfAbsent(text, guess);
            assertTrue(before == null || before.equals(guess), text);
        });
    }

    @Test
    void stageKeepsTheWantedLanguages() {
        LanguageSettings settings = new LanguageSettings(true, true, List.of("en", "zh"), List.of(), 300, 0.02, false);
        LanguageStage stage = new LanguageStage(settings);
        assertTrue(stage.apply(document("zh_TW", "x")).verdict().keep());
        assertEquals("zh-classical", stage.apply(document("zh-classical", "x")).language());
        assertEquals("other_language", stage.apply(document("fr", "x")).verdict().reason());
        assertEquals("other_language", stage.apply(document("", "Une phrase en français, assez longue pour être sûre.")).verdict().reason());
        assertEquals("unknown_language", stage.apply(document("", "1 2 3")).verdict().reason());
        assertEquals("en", stage.apply(document("", "A sentence in English that is long enough.")).language());
    }

    @Test
    void candidatesAreChecked() {
        LanguageSettings wrong = new LanguageSettings(true, true, List.of(), List.of("en", "xx"), 300, 0.02, true);
        UserError error = assertThrows(UserError.class, () -> ScriptFirstIdentifier.of(wrong));
        assertTrue(error.getMessage().contains("\"xx\""));
    }

    private static List<InputRecord> tldrPages(int every) {
        Path file = SharedData.require("corpus/tldr-38-languages.jsonl.gz");
        List<InputRecord> sample = new ArrayList<>();
        int[] number = new int[1];
        try (RecordReader reader = RecordFiles.open(
                new Configuration(false), new org.apache.hadoop.fs.Path(file.toUri()), "tldr", ReadSettings.defaults())) {
            reader.forEachRemaining(r -> {
                if (r instanceof InputRecord record && number[0]++ % every == 0) {
                    sample.add(record);
                }
            });
        }
        return sample;
    }

    /** Lingua's own detector is the twin: slow, and with rules of its own, but made of the same models. */
    @Test
    void theTablesAgreeWithLinguaOnSharedScripts() {
        LanguageDetector lingua = LanguageDetectorBuilder.fromAllLanguages().withLowAccuracyMode().build();
        int compared = 0;
        int equal = 0;
        for (InputRecord record : tldrPages(401)) {
            String text = LetterSample.of(((InputRecord.Text) record.body()).text(), 300).text();
            LanguageIdentifier.Guess ours = identifier.identify(text);
            // Where two languages are nearly as likely the two may differ.
            if (ours.confidence() > 0.02 && ours.confidence() < 0.9) {
                compared++;
                equal += lingua.detectLanguageOf(text).getIsoCode639_1().name().equalsIgnoreCase(ours.language()) ? 1 : 0;
            }
        }
        System.out.printf("agreement with Lingua: %d of %d%n", equal, compared);
        assertTrue(compared > 30);
        assertTrue(equal >= 0.94 * compared);
    }

    @Test
    void labelsOfRealPagesAreFound() {
        List<InputRecord> sample = tldrPages(7);
        int right = 0;
        for (InputRecord record : sample) {
            String found = identifier.identify(((InputRecord.Text) record.body()).text()).language();
            String label = LanguageStage.primary(record.language());
            right += found.equals(label) || label.equals("no") && found.equals("nb") ? 1 : 0;
        }
        double accuracy = (double) right / sample.size();
        System.out.printf("language of tldr pages: %d of %d right%n", right, sample.size());
        assertTrue(accuracy > 0.98, "accuracy " + accuracy);
    }
}
