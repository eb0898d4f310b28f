package org.longhaul.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.error.UserError;

class FaultsTest {
    @Test
    void readsAList() {
        Faults f = Faults.parse("spike=160:168:1e3, weight=8:layers.1.down:NaN,kill=checkpoint.rename:3:0,kill-launcher=train.update:9");
        assertEquals(1000, f.factor(160));
        assertEquals(1, f.factor(168));
        assertEquals(List.of(new Faults.Weight(8, "layers.1.down", Float.NaN)), f.weights());
        assertEquals(List.of(new Faults.Kill("checkpoint.rename", 3, 0, false), new Faults.Kill("train.update", 9, -1, true)), f.kills());
    }

    /** A rehearsal that kills nowhere would look passed. */
    @Test
    void aPointThatIsNoneIsNamed() {
        UserError e = assertThrows(UserError.class, () -> Faults.parse("kill=checkpoint.renam:3:0"));
        assertTrue(e.getMessage().startsWith("LONGHAUL_FAULT: there is no point 'checkpoint.renam' to kill at; known are train.gradients, "), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"spike", "spike=1:2", "weight=a:b:c", "boom=1", "kill=train.update:one"})
    void whatIsNoFaultIsNamed(String text) {
        UserError e = assertThrows(UserError.class, () -> Faults.parse(text));
        assertTrue(e.getMessage().startsWith("LONGHAUL_FAULT: '" + text + "' is no fault; known are spike="), e.getMessage());
    }
}
