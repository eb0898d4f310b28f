package org.longhaul.data.sample;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * A small multilingual corpus as it might come from a crawl: clean documents of every language of the material, and among them exact and near
 * duplicates, junk of every kind, mojibake and broken records, spread over all input formats. The same material, seed and size give the
 * same bytes.
 */
final class SampleCorpus {
    private static final String CODE = "code";

    private final List<Material> materials;
    private final long seed;
    private final Map<String, Integer> counts = new TreeMap<>();

    /** One document on its way into a file. */
    record Item(String id, String language, TextMaker.Text text) {
        String plain() {
            return text.plain();
        }
    }

    SampleCorpus(List<Material> materials, long seed) {
        this.materials = materials;
        this.seed = seed;
    }

    /** Reads every {@code *.txt} of a folder, in the order of their names. */
    static List<Material> materials(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Material> materials = files.filter(file -> file.toString().endsWith(".txt")).sorted().map(Material::read).toList();
            if (materials.isEmpty()) {
                throw UserError.badInput(folder + ": holds no material (*.txt)");
            }
            return materials;
        } catch (IOException e) {
            throw UserError.badInput(folder + ": cannot be listed: " + Reason.of(e), e);
        }
    }

    /**
     * Writes the corpus below {@code folder}.
     *
     * @param documents clean documents of each language
     * @return what was written, by kind, sorted by name
     */
    Map<String, Integer> write(Path folder, int documents) {
        counts.clear();
        Map<String, List<Item>> clean = new LinkedHashMap<>();
        for (Material material : materials) {
            clean.put(material.language(), clean(material, documents));
            counts.merge("clean", documents, Integer::sum);
        }
        Map<String, List<Item>> files = spread(clean);
        plantDuplicates(clean, files);
        plantJunk(clean, files);
        Random order = new Random(seed + 3);
        files.values().forEach(items -> Collections.shuffle(items, order));
        try {
            Files.createDirectories(folder);
            SampleFiles.jsonlGzip(folder.resolve("forum.jsonl.gz"), files.get("forum"), brokenRecords());
            SampleFiles.jsonlZstd(folder.resolve("press.jsonl.zst"), files.get("press"));
            SampleFiles.warc(folder.resolve("crawl.warc.gz"), files.get("pages"), boilerplatePages());
            SampleFiles.wet(folder.resolve("crawl.wet.gz"), files.get("texts"));
            SampleFiles.parquet(folder.resolve("books.parquet"), files.get("books"));
            SampleFiles.jsonlGzip(folder.resolve("code.jsonl.gz"), files.get(CODE), List.of());
        } catch (IOException e) {
            throw UserError.environment(folder + ": cannot be written: " + Reason.of(e), e);
        }
        return Collections.unmodifiableMap(counts);
    }

    private List<Item> clean(Material material, int documents) {
        TextMaker maker = new TextMaker(material, new Random(seed * 31 + material.language().hashCode()));
        List<Item> items = new ArrayList<>();
        for (int i = 0; i < documents; i++) {
            items.add(new Item(String.format("%s-%04d", material.language(), i), material.language(), maker.document()));
        }
        return items;
    }

    /** Every language appears in two formats, so that no format stands for one language; code has its own input. */
    private static Map<String, List<Item>> spread(Map<String, List<Item>> clean) {
        List<String> names = List.of("forum", "press", "pages", "texts", "books");
        Map<String, List<Item>> files = new LinkedHashMap<>();
        names.forEach(name -> files.put(name, new ArrayList<>()));
        files.put(CODE, new ArrayList<>());
        int language = 0;
        for (Map.Entry<String, List<Item>> entry : clean.entrySet()) {
            if (entry.getKey().equals(CODE)) {
                files.get(CODE).addAll(entry.getValue());
                continue;
            }
            for (int i = 0; i < entry.getValue().size(); i++) {
                files.get(names.get((language + i % 2 * 2) % names.size())).add(entry.getValue().get(i));
            }
            language++;
        }
        return files;
    }

    private void plantDuplicates(Map<String, List<Item>> clean, Map<String, List<Item>> files) {
        Random random = new Random(seed + 1);
        List<Item> prose = new ArrayList<>();
        clean.forEach((language, items) -> prose.addAll(language.equals(CODE) ? List.of() : items));
        Collections.shuffle(prose, random);
        List<String> targets = List.of("forum", "press", "texts");
        int copies = Math.min(30, prose.size() / 10);
        for (int i = 0; i < copies; i++) {
            Item original = prose.get(i);
            files.get(targets.get(i % 3)).add(new Item("exact-" + original.id(), original.language(), original.text()));
            Item model = prose.get(copies + i);
            List<String> paragraphs = new ArrayList<>(model.text().paragraphs());
            // The same text under another headline and with a note of its own: most five-word runs are shared.
            String title = prose.get(random.nextInt(prose.size())).text().title();
            paragraphs.set(0, paragraphs.get(0) + " (" + (1950 + random.nextInt(70)) + ")");
            files.get(targets.get((i + 1) % 3)).add(new Item("near-" + model.id(), model.language(), new TextMaker.Text(title, paragraphs)));
        }
        counts.put("exact duplicates", copies);
        counts.put("near duplicates", copies);
    }

    private void plantJunk(Map<String, List<Item>> clean, Map<String, List<Item>> files) {
        Random random = new Random(seed + 2);
        List<Item> prose = clean.entrySet().stream().filter(entry -> !entry.getKey().equals(CODE)).flatMap(entry -> entry.getValue().stream()).toList();
        List<String> targets = List.of("forum", "press", "texts", "books");
        for (Junk kind : Junk.values()) {
            for (int i = 0; i < kind.documents(); i++) {
                Item model = prose.get(random.nextInt(prose.size()));
                String paragraph = model.text().paragraphs().get(0);
                String sentence = paragraph.substring(0, Math.min(paragraph.length(), 90));
                String name = kind.name().toLowerCase(java.util.Locale.ROOT);
                files.get(targets.get(i % targets.size())).add(new Item(String.format("%s-%02d", name, i), "", new TextMaker.Text("", List.of(kind.text(random, sentence)))));
            }
            counts.put("junk: " + kind.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' '), kind.documents());
        }
        List<Item> latin = prose.stream().filter(item -> item.language().equals("fr") || item.language().equals("de") || item.language().equals("es")).toList();
        int damaged = Math.min(10, latin.size());
        for (int i = 0; i < damaged; i++) {
            Item item = latin.get(random.nextInt(latin.size()));
            // A different document that nobody else holds, so that it can only survive by being repaired.
            List<String> paragraphs = new ArrayList<>(item.text().paragraphs());
            Collections.reverse(paragraphs);
            List<String> wrong = paragraphs.stream().map(SampleCorpus::mojibake).toList();
            files.get("press").add(new Item(String.format("mojibake-%02d", i), item.language(), new TextMaker.Text(mojibake(item.text().title()), wrong)));
        }
        counts.put("mojibake to repair", damaged);
    }

    /** UTF-8 read as Windows-1252, the commonest damage of crawled text. */
    private static String mojibake(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), java.nio.charset.Charset.forName("windows-1252"));
    }

    private List<byte[]> brokenRecords() {
        List<byte[]> records = List.of(
                "{\"id\": \"broken-json\", \"text\": \"this line ends too ear".getBytes(StandardCharsets.UTF_8),
                "{\"id\": \"no-text\", \"title\": \"a record without text\"}".getBytes(StandardCharsets.UTF_8));
        counts.put("broken records", records.size());
        return records;
    }

    private List<String> boilerplatePages() {
        List<String> pages = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            pages.add("<p>We use cookies. <a href=\"/privacy\">Privacy policy</a> <a href=\"/terms?" + i + "\">Terms of use</a></p>");
        }
        counts.put("boilerplate pages", pages.size());
        return pages;
    }
}
