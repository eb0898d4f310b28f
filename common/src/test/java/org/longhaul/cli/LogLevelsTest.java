package org.longhaul.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LogLevelsTest {
    @Test
    void aLevelThatIsNoneIsNamedWithThoseThatAre() {
        assertEquals(Optional.of("LONGHAUL_LOG in the environment is 'LOUD'; it must be one of TRACE, DEBUG, INFO, WARN, ERROR, OFF, or unset"),
                LogLevels.complaint(Map.of("LONGHAUL_LOG", "LOUD", "LONGHAUL_LIBRARY_LOG", "warn")));
        assertEquals(Optional.of("LONGHAUL_LIBRARY_LOG in the environment is ''; it must be one of TRACE, DEBUG, INFO, WARN, ERROR, OFF, or unset"),
                LogLevels.complaint(Map.of("LONGHAUL_LOG", "debug", "LONGHAUL_LIBRARY_LOG", "")));
        assertEquals(Optional.empty(), LogLevels.complaint(Map.of("LONGHAUL_LOGS", "LOUD")));
    }
}
