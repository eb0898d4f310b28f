package org.longhaul.data.url;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Which addresses are not wanted. */
@Doc("URL filter: lists of domains, addresses and words, one entry a line; # starts a comment. Without lists the stage is off.")
public record UrlSettings(
        @Doc("File of domains; their sub-domains go too.") @Default("") String domains,
        @Doc("File of whole addresses, compared without scheme, www, fragment and trailing slash.") @Default("") String urls,
        @Doc("File of words of which one in the address is enough.") @Default("") String hardWords,
        @Doc("File of words of which min_soft_words different ones are needed.") @Default("") String softWords,
        @Doc("Different soft words that drop an address.") @Default("2") int minSoftWords,
        @Doc("File of strings that are looked for in the address with everything but letters and digits squeezed out.")
                @Default("")
                String substrings)
        implements Serializable {

    /** Checks ranges. */
    public UrlSettings {
        if (minSoftWords < 1) {
            throw new IllegalArgumentException("min_soft_words must be positive: " + minSoftWords);
        }
    }

    /** The defaults: no lists. */
    public static UrlSettings defaults() {
        return new UrlSettings("", "", "", "", 2, "");
    }

    /** Whether any list is given. */
    public boolean enabled() {
        return !(domains + urls + hardWords + softWords + substrings).isEmpty();
    }
}
