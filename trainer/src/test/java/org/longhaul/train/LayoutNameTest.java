package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Mesh;

class LayoutNameTest {
    @ParameterizedTest
    @ValueSource(strings = {"one", "tp2", "pp4.v2", "pp2.dp2.tp2", "dp8"})
    void roundTrips(String word) {
        assertEquals(word, LayoutName.of(LayoutName.parse(word)));
    }

    @Test
    void readsEachPart() {
        assertEquals(new Mesh(2, 3, 4, 2), LayoutName.parse("tp4.dp3.pp2.v2"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "xp2", "tp", "tp2-pp2", "v2"})
    void namesTheWord(String word) {
        assertTrue(assertThrows(UserError.class, () -> LayoutName.parse(word)).getMessage().contains("'" + word + "'"));
    }
}
