package org.longhaul.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.longhaul.config.ConfigLoader;
import org.longhaul.config.ConfigWriter;
import org.longhaul.data.decontamination.DecontaminationSettings;
import org.longhaul.data.dedup.DedupSettings;
import org.longhaul.data.dedup.MinHashSettings;
import org.longhaul.data.extract.HtmlSettings;
import org.longhaul.data.language.LanguageSettings;
import org.longhaul.data.quality.QualitySettings;
import org.longhaul.data.read.ReadSettings;
import org.longhaul.data.text.PersonalDataSettings;
import org.longhaul.data.text.TextSettings;
import org.longhaul.data.url.UrlSettings;

/** The defaults that the configuration loader reads from annotations are the ones that the code uses. */
class DefaultsTest {
    @TempDir
    Path folder;

    static Stream<Record> defaults() {
        return Stream.of(
                ReadSettings.defaults(),
                TextSettings.defaults(),
                HtmlSettings.defaults(),
                LanguageSettings.defaults(),
                QualitySettings.defaults(),
                PersonalDataSettings.defaults(),
                UrlSettings.defaults(),
                DecontaminationSettings.defaults(),
                MinHashSettings.defaults(),
                DedupSettings.defaults());
    }

    @ParameterizedTest
    @MethodSource("defaults")
    void anEmptyFileGivesThem(Record defaults) throws IOException {
        Path file = Files.writeString(folder.resolve("empty.yaml"), "{}\n");
        assertEquals(defaults, ConfigLoader.load(file, List.of(), defaults.getClass()));
        Path written = Files.writeString(folder.resolve("written.yaml"), ConfigWriter.toYaml(defaults));
        assertEquals(defaults, ConfigLoader.load(written, List.of(), defaults.getClass()));
    }
}
