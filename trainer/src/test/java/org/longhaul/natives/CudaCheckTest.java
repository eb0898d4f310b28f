package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.longhaul.doctor.Finding;

class CudaCheckTest {
    @Test
    void aDriverOfAnOlderMajorVersionIsNamed() {
        assertEquals(Finding.Level.FAIL, CudaCheck.versions(12080, "13.0").level());
        assertTrue(CudaCheck.versions(12080, "13.0").detail().contains("12.8"));
        assertEquals(Finding.Level.OK, CudaCheck.versions(13000, "13.2").level());
        assertEquals(Finding.Level.OK, CudaCheck.versions(13000, "12.8").level());
    }

    @Test
    void withoutASiteOfItsOwnNothingIsReported() {
        List<Finding> findings = new CudaCheck().look();
        assertEquals(TorchSite.detect().isPresent(), findings.stream().anyMatch(f -> f.subject().equals("PyTorch")), findings.toString());
    }

    @Test
    void aSiteThatDoesNotFitIsAFailureWithItsMend() {
        Finding finding = CudaCheck.site(new TorchSite(Path.of("/nowhere"), "2.11.0", "13.0", false));
        assertEquals(Finding.Level.FAIL, finding.level());
        assertTrue(finding.mend().contains("/nowhere"), finding.mend());
    }
}
