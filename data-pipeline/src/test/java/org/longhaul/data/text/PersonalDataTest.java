package org.longhaul.data.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class PersonalDataTest {
    private final PersonalData data = new PersonalData(new PersonalDataSettings(true, List.of("a@b.c", "d@e.f"), true, List.of("I", "J")));

    @Test
    void emailsAreReplacedInTurn() {
        PersonalData.Replaced found = data.replace("Write to <jane.doe+x@mail.example.co.uk>, bob@x.io. or eve@sub-domain.net; not @handle, a@b, x@y.1.");
        assertEquals("Write to <a@b.c>, d@e.f. or a@b.c; not @handle, a@b, x@y.1.", found.text());
        assertEquals(3, found.emails());
        assertEquals("pip install a@main and @a.bc", data.replace("pip install a@main and @a.bc").text());
    }

    @Test
    void onlyPublicAddressesAreReplaced() {
        PersonalData.Replaced found = data.replace("8.8.8.8, 10.0.0.1 127.0.0.1 192.168.1.1 172.20.1.1 (93.184.216.34) v1.2.3.4.5 1.2.3 256.1.1.1 01.2.3.4 1.1.1.1.");
        assertEquals("I, 10.0.0.1 127.0.0.1 192.168.1.1 172.20.1.1 (J) v1.2.3.4.5 1.2.3 256.1.1.1 01.2.3.4 I.", found.text());
        assertEquals(3, found.ipAddresses());
    }

    @Test
    void nothingIsReplacedByDefault() {
        String text = "me@example.org 8.8.8.8";
        assertEquals(text, new PersonalData(PersonalDataSettings.defaults()).replace(text).text());
    }
}
