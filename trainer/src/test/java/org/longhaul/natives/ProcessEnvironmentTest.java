package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class ProcessEnvironmentTest {
    @Test
    void setsWhatIsNotSet() {
        String name = "LONGHAUL_TEST_" + ProcessHandle.current().pid();
        assertNull(ProcessEnvironment.value(name));
        ProcessEnvironment.setIfAbsent(name, "first");
        ProcessEnvironment.setIfAbsent(name, "second");
        assertEquals("first", ProcessEnvironment.value(name));
        String path = ProcessEnvironment.value("PATH");
        ProcessEnvironment.setIfAbsent("PATH", "nothing");
        assertNotNull(path);
        assertEquals(path, ProcessEnvironment.value("PATH"));
    }
}
