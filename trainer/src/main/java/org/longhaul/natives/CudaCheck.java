package org.longhaul.natives;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.longhaul.doctor.DoctorCheck;
import org.longhaul.doctor.Finding;
import org.longhaul.error.UserError;

/** Whether the PyTorch this site names, its CUDA libraries and the driver go together. */
public final class CudaCheck implements DoctorCheck {
    @Override
    public int order() {
        return 120;
    }

    @Override
    public List<Finding> look() {
        Optional<TorchSite> site = TorchSite.detect();
        if (site.isEmpty()) {
            // The libtorch that comes with Longhaul, which LibtorchCheck looks at.
            return List.of();
        }
        List<Finding> findings = new ArrayList<>();
        findings.add(site(site.get()));
        if (!site.get().cuda().isEmpty()) {
            findings.add(driver(site.get().cuda()));
            findings.add(library("NVRTC", () -> "version " + KernelCompiler.version() + ", compiles kernels at the first start"));
            findings.add(library("cuBLASLt", () -> "version " + Gemm.version()));
            findings.add(library("cuDNN", () -> "version " + CudnnAttention.version()));
            findings.add(nccl());
        }
        return findings;
    }

    static Finding site(TorchSite site) {
        String what = (site.version().isEmpty() ? "of unknown version" : site.version()) + " at " + site.folder() + ", "
                + (site.cuda().isEmpty() ? "CPU only" : "CUDA " + site.cuda()) + ", "
                + (site.natives() ? "with natives built here" : "with DJL's natives");
        try {
            site.check();
            return Finding.ok("PyTorch", what);
        } catch (UserError e) {
            return Finding.fail("PyTorch", what, e.getMessage());
        }
    }

    private static Finding driver(String cuda) {
        try {
            int count = CudaDevice.count();
            return count == 0
                    ? Finding.warn("CUDA driver", "loads but shows no GPU", "check CUDA_VISIBLE_DEVICES and nvidia-smi")
                    : versions(CudaDevice.driverVersion(), cuda);
        } catch (UserError e) {
            return Finding.warn("CUDA driver", "no GPU can be used", e.getMessage());
        }
    }

    /**
     * Whether a driver runs a CUDA build: any of the same major version does (minor version compatibility), an older major does not.
     *
     * @param driver as the driver says it, 13000 for 13.0
     * @param cuda as PyTorch says it, {@code 13.0}
     */
    static Finding versions(int driver, String cuda) {
        String speaks = driver / 1000 + "." + driver % 1000 / 10;
        int wanted = Integer.parseInt(cuda.split("\\.")[0]);
        return driver / 1000 < wanted
                ? Finding.fail(
                        "CUDA driver", "speaks CUDA " + speaks + ", PyTorch was built for " + cuda,
                        "update the NVIDIA driver, or use a PyTorch built for CUDA " + driver / 1000)
                : Finding.ok("CUDA driver", "speaks CUDA " + speaks + ", PyTorch was built for " + cuda);
    }

    /** Throws a UserError (exit 3) when the driver is of an older major version than the CUDA of the site's PyTorch. */
    public static void requireDriver() {
        Optional<TorchSite> site = TorchSite.detect().filter(s -> s.cuda().matches("\\d+\\..*"));
        if (site.isPresent()) {
            int driver = CudaDevice.driverVersion();
            Finding finding = versions(driver, site.get().cuda());
            if (finding.level() == Finding.Level.FAIL) {
                throw UserError.environment("the NVIDIA driver " + finding.detail() + "; " + finding.mend());
            }
        }
    }

    // One GPU trains without it.
    private static Finding nccl() {
        try {
            int version = Nccl.version();
            return Finding.ok("NCCL", "version " + version / 10000 + "." + version / 100 % 100 + "." + version % 100
                    + "; launch --share-gpus tries a layout of more ranks than there are GPUs");
        } catch (UserError | NativeException e) {
            return Finding.warn("NCCL", "does not load, so there is one GPU a job", e.getMessage());
        }
    }

    private static Finding library(String name, Supplier<String> detail) {
        try {
            return Finding.ok(name, detail.get());
        } catch (UserError e) {
            return Finding.fail(name, "does not load", e.getMessage());
        } catch (NativeException e) {
            return Finding.fail(name, "does not answer", e.getMessage());
        }
    }
}
