package org.longhaul.data.job;

import java.io.Serializable;
import org.longhaul.config.Doc;
import org.longhaul.data.extract.HtmlSettings;
import org.longhaul.data.language.LanguageSettings;
import org.longhaul.data.quality.QualitySettings;
import org.longhaul.data.text.PersonalDataSettings;
import org.longhaul.data.text.TextSettings;
import org.longhaul.data.url.UrlSettings;

/** What is done with the documents of an input, one by one, before deduplication. */
@Doc("What is done with each document before deduplication: address, extraction, repair, language, quality rules, personal data.")
public record RuleSet(
        @Doc("Which addresses are not wanted.") UrlSettings url,
        @Doc("Extraction of main text from HTML.") HtmlSettings html,
        @Doc("Unicode repair and normalisation.") TextSettings text,
        @Doc("Language identification.") LanguageSettings language,
        @Doc("Quality rules.") QualitySettings quality,
        @Doc("Replacement of personal data.") PersonalDataSettings personalData)
        implements Serializable {
    /** Name of the rule set of inputs that name none. */
    static final String DEFAULT = "default";

    static RuleSet defaults() {
        return new RuleSet(UrlSettings.defaults(), HtmlSettings.defaults(), TextSettings.defaults(), LanguageSettings.defaults(),
                QualitySettings.defaults(), PersonalDataSettings.defaults());
    }
}
