package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.longhaul.doctor.Finding;
import org.longhaul.doctor.Finding.Level;
import org.longhaul.doctor.Tool;

class LibtorchCheckTest {
    @Test
    void theBundledLibtorchComputes() {
        Finding finding = new LibtorchCheck().look().get(0);
        assertEquals(Level.OK, finding.level(), finding.detail());
        assertTrue(finding.detail().matches("2\\.\\d+.* computes; .*"), finding.detail());
    }

    @Test
    void aCrashIsAFindingThatNamesTheFolder() {
        Finding crash = LibtorchCheck.report(Optional.of(new Tool.Answer(134, "terminate called\n  what():  no storage")), "/opt/torch/lib");
        assertEquals(Level.FAIL, crash.level());
        assertEquals("does not load (exit status 134): what():  no storage", crash.detail());
        assertTrue(crash.mend().contains("/opt/torch/lib"));
        assertEquals(Level.FAIL, LibtorchCheck.report(Optional.empty(), "").level());
    }

    @Test
    void aBundleIsToldFromACheckout() throws Exception {
        assertTrue(TorchSite.brought(LibtorchCheck.class.getClassLoader()));
        try (java.net.URLClassLoader bundle = new java.net.URLClassLoader(new java.net.URL[0], null)) {
            assertFalse(TorchSite.brought(bundle));
        }
    }
}
