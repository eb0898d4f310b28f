package org.longhaul.data.text;

import java.io.Serializable;
import java.util.List;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Which personal data is replaced. */
@Doc("Replacement of e-mail addresses and public IPv4 addresses by example ones, which are used in turn.")
public record PersonalDataSettings(
        @Doc("Replace e-mail addresses.") @Default("false") boolean emails,
        @Doc("What stands for e-mail addresses.") @Default("[email@example.com, firstname.lastname@example.org]")
                List<String> emailReplacements,
        @Doc("Replace IPv4 addresses that are routable in the public network.") @Default("false") boolean ipAddresses,
        @Doc("What stands for IPv4 addresses; the default ones are reserved for documentation (RFC 5737).")
                @Default("[192.0.2.1, 192.0.2.77, 198.51.100.14, 198.51.100.203, 203.0.113.5, 203.0.113.91]")
                List<String> ipReplacements)
        implements Serializable {

    /** Checks the lists. */
    public PersonalDataSettings {
        emailReplacements = List.copyOf(emailReplacements);
        ipReplacements = List.copyOf(ipReplacements);
        if (emailReplacements.isEmpty() || ipReplacements.isEmpty()) {
            throw new IllegalArgumentException("email_replacements and ip_replacements must not be empty");
        }
    }

    /** The defaults: nothing is replaced. */
    public static PersonalDataSettings defaults() {
        return new PersonalDataSettings(
                false,
                List.of("email@example.com", "firstname.lastname@example.org"),
                false,
                List.of("192.0.2.1", "192.0.2.77", "198.51.100.14", "198.51.100.203", "203.0.113.5", "203.0.113.91"));
    }
}
