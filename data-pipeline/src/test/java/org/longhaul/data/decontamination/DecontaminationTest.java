package org.longhaul.data.decontamination;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.data.SharedData;
import org.longhaul.data.decontamination.DecontaminationSettings.Action;
import org.longhaul.error.UserError;

class DecontaminationTest {
    private static final String QUESTION =
            "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many did she sell?";

    @TempDir
    Path folder;

    @Test
    void aQuestionInsideADocumentIsFoundWhateverItsDress() {
        BenchmarkIndex index = new BenchmarkIndex(13, 20, 8);
        index.add("quiz", QUESTION);
        assertTrue(index.matches("Some other text about clips and friends that only shares a few words with it.").isEmpty());
        String document = "Intro line.\n  " + QUESTION.toUpperCase(Locale.ROOT).replace(",", " –").replace(" ", "  ") + "\nThe answer is 72.\n";
        List<BenchmarkIndex.Match> matches = index.matches(document);
        assertEquals(1, matches.size());
        assertEquals("quiz", matches.get(0).benchmark());
        assertTrue(document.substring(matches.get(0).start(), matches.get(0).end()).startsWith("NATALIA"));
        assertTrue(document.substring(matches.get(0).start(), matches.get(0).end()).endsWith("SELL"));
        assertFalse(index.matches("xx she sold half as many clips in May. How many did she sell? yy").isEmpty(), "13 words of it");
        assertTrue(index.matches("sold half as many clips in May. How many did she").isEmpty(), "ten words of it");
    }

    @Test
    void rowsOfNumbersAreNobodysQuestion() {
        BenchmarkIndex index = new BenchmarkIndex(13, 20, 8);
        index.add("sums", "Add 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 and say what you get in the end of it all, please");
        assertTrue(index.matches("int[] data = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};").isEmpty());
        assertFalse(index.matches("130 140 150 and say what you get in the end of it all, please").isEmpty());
    }

    @Test
    void shortTextsAreLookedForWholeAndVeryShortOnesCounted() {
        BenchmarkIndex index = new BenchmarkIndex(13, 20, 8);
        index.add("a", "one two three four five six seven eight nine");
        index.add("a", "too short to find");
        assertEquals(1, index.texts());
        assertEquals(1, index.tooShort());
        assertEquals(1, index.matches("x one two three four five six seven eight nine y").size());
        assertTrue(index.matches("x one two three four five six seven eight y").isEmpty());
        index.add("zh", "欲出未出光辣達，千山萬山如火發。須臾走向天上來");
        assertEquals("zh", index.matches("前文。欲出未出光辣達 千山萬山如火發 須臾走向天上來！後文").get(0).benchmark());
    }

    @Test
    void equalsANaiveSearchOnRandomText() {
        String[] vocabulary = {"a", "bb", "c", "dd"};
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            BenchmarkIndex index = new BenchmarkIndex(5, 5, 3);
            Set<String> grams = new HashSet<>();
            for (int item = 0; item < 4; item++) {
                List<String> words = words(random, vocabulary, 1 + random.nextInt(9));
                index.add("b", String.join(" ", words));
                int n = Math.min(5, words.size());
                for (int i = 0; n >= 3 && i + n <= words.size(); i++) {
                    grams.add(String.join(" ", words.subList(i, i + n)));
                }
            }
            List<String> document = words(random, vocabulary, 40);
            boolean[] expected = new boolean[document.size()];
            for (int i = 0; i < document.size(); i++) {
                for (int n = 3; n <= 5 && i + n <= document.size(); n++) {
                    if (grams.contains(String.join(" ", document.subList(i, i + n)))) {
                        java.util.Arrays.fill(expected, i, i + n, true);
                    }
                }
            }
            String text = String.join(" ", document);
            List<BenchmarkIndex.Match> matches = index.matches(text);
            int at = 0;
            for (int i = 0; i < document.size(); i++) {
                int start = at;
                assertEquals(expected[i], matches.stream().anyMatch(m -> m.start() <= start && start < m.end()), "seed " + seed + " word " + i);
                at += document.get(i).length() + 1;
            }
        }
    }

    private static List<String> words(Random random, String[] vocabulary, int count) {
        List<String> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            words.add(vocabulary[random.nextInt(vocabulary.length)]);
        }
        return words;
    }

    @Test
    void stageDropsOrCuts() {
        BenchmarkIndex index = new BenchmarkIndex(13, 20, 8);
        index.add("quiz", QUESTION);
        String text = "before\n" + QUESTION + "\nafter\n" + QUESTION + " and more\nend";
        DecontaminationStage.Outcome dropped = new DecontaminationStage(index, Action.DROP_DOCUMENT).apply(text);
        assertFalse(dropped.verdict().keep());
        assertEquals("quiz", dropped.verdict().reason());
        assertEquals(2, dropped.matches().size());
        DecontaminationStage.Outcome cut = new DecontaminationStage(index, Action.CUT_LINES).apply(text);
        assertTrue(cut.verdict().keep());
        assertEquals("before\nafter\nend", cut.text());
        assertFalse(new DecontaminationStage(index, Action.CUT_LINES).apply(QUESTION).verdict().keep());
    }

    @Test
    void filesOfAllKindsAreRead() throws IOException {
        Files.writeString(folder.resolve("a.jsonl"), "{\"q\": \"" + QUESTION + "\", \"n\": 3}\n{\"q\": [\"x\", {\"y\": \"" + QUESTION + "\"}]}\n");
        Files.writeString(folder.resolve("b.csv"), "id,question\n1,\"" + QUESTION + " \"\"quoted\"\"\"\n");
        Files.writeString(folder.resolve("c.txt"), "first\n\n" + QUESTION + "\n");
        Map<String, String> names = Map.of("j", folder + "/a.jsonl", "c", folder + "/b.csv", "t", folder + "/c.txt");
        BenchmarkIndex index = BenchmarkFiles.index(
                new Configuration(false), new DecontaminationSettings(names, 13, 20, 8, Action.DROP_DOCUMENT));
        assertEquals(4, index.texts());
        assertEquals(1, index.matches(QUESTION).size());
        List<String> cells = new ArrayList<>();
        BenchmarkFiles.cells("a,\"b \"\"c\"\",\nd\",e\n,f", ',', cells::add);
        assertEquals(List.of("a", "b \"c\",\nd", "e", "f"), cells);
        UserError missing = assertThrows(UserError.class, () -> BenchmarkFiles.index(new Configuration(false),
                new DecontaminationSettings(Map.of("gone", folder + "/nowhere"), 13, 20, 8, Action.DROP_DOCUMENT)));
        assertTrue(missing.getMessage().contains("decontamination.benchmarks.gone"), missing.getMessage());
    }

    @Test
    void realBenchmarksAreIndexedAndFoundAgain() {
        Path eval = SharedData.require("eval");
        Map<String, String> names = Map.of("gsm8k", eval + "/gsm8k/test.jsonl", "cmmlu", eval + "/cmmlu", "humaneval",
                eval + "/humaneval/HumanEval.jsonl.gz", "piqa", eval + "/piqa/valid.jsonl", "bbh", eval + "/bbh");
        BenchmarkIndex index = BenchmarkFiles.index(
                new Configuration(false), new DecontaminationSettings(names, 13, 20, 8, Action.DROP_DOCUMENT));
        System.out.printf("benchmarks: %d texts, %d n-grams, %d too short%n", index.texts(), index.ngrams(), index.tooShort());
        assertTrue(index.texts() > 3000);
        String question = "Janet’s ducks lay 16 eggs per day. She eats three for breakfast every morning and bakes muffins for her friends every day with four.";
        assertEquals("gsm8k", index.matches("A blog post. " + question + " And so on.").get(0).benchmark());
    }
}
