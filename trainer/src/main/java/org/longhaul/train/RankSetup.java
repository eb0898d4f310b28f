package org.longhaul.train;

import java.util.Map;
import java.util.function.Supplier;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.cuda.NcclWatch;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.launch.LauncherWatch;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.launch.SharedGpus;
import org.longhaul.natives.CpuBackend;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.Nccl;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.tensor.Backend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process's device and its links to the other processes of the job.
 *
 * @param rendezvous what this process serves, null where another does
 * @param watch what guards its NCCL groups, null without
 * @param peakFlops dense BF16 FLOP/s of the whole job's GPUs by their data sheet, 0 where unknown
 */
record RankSetup(
        Backend backend, MeshGroups groups, RankGroup savers, Rendezvous rendezvous, NcclWatch watch, double peakFlops)
        implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RankSetup.class);

    /** Opens the device and meets the other ranks. */
    static RankSetup open(DeviceConfig device, Mesh wanted, RanksConfig ranks, RankEnvironment self) {
        LauncherWatch.start(System.getenv());
        Mesh mesh;
        try {
            mesh = wanted.over(self.worldSize());
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(e.getMessage() + "; change mesh, or start with longhaul launch --nproc", e);
        }
        Backend backend = backend(device, self, System.getenv());
        boolean shared = SharedGpus.on(System.getenv());
        double peak = backend instanceof CudaBackend gpu && !shared ? peak(gpu.device().name()) * self.worldSize() : 0;
        if (self.worldSize() == 1) {
            return new RankSetup(backend, MeshGroups.single(), RankGroup.single(), null, null, peak);
        }
        Rendezvous served = self.servesRendezvous() ? Rendezvous.serve(self.masterPort(), self.token()) : null;
        Linked linked = link(backend, device, mesh, ranks, self, "");
        NcclWatch watch = linked.watch;
        RankGroup savers = new RendezvousRanks(self, ranks.stallTimeout(), watch == null ? () -> true : watch::sound);
        return new RankSetup(backend, linked.groups, savers, served, watch, peak);
    }

    /**
     * The same process, all of whose ranks call this, under another layout. This setup is at its end then, and must not be closed.
     *
     * @param scope tells this layout's meetings from those of the others
     */
    RankSetup relaid(DeviceConfig device, Mesh mesh, RanksConfig ranks, RankEnvironment self, String scope) {
        savers.all(true);
        groups.close();
        if (watch != null) {
            watch.close();
        }
        Linked linked = link(backend, device, mesh, ranks, self, scope);
        if (linked.watch != null && savers instanceof RendezvousRanks agreeing) {
            agreeing.agreeWhile(linked.watch::sound);
        }
        return new RankSetup(backend, linked.groups, savers, rendezvous, linked.watch, peakFlops);
    }

    private record Linked(MeshGroups groups, NcclWatch watch) {}

    private static Linked link(Backend backend, DeviceConfig device, Mesh mesh, RanksConfig ranks, RankEnvironment self, String scope) {
        Rendezvous.Client store = new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), ranks.joinTimeout()).scoped(scope);
        if (!(backend instanceof CudaBackend gpu)) {
            return new Linked(MeshGroups.sockets(mesh, self, backend, store, ranks.joinTimeout(), ranks.stallTimeout()), null);
        }
        if (device.deterministic()) {
            Nccl.fixOrder();
        }
        Nccl.recordAlone();
        NcclWatch watch = new NcclWatch(gpu, self.rank(), self.worldSize(), store, ranks.joinTimeout(), ranks.stallTimeout());
        return new Linked(MeshGroups.of(mesh, self.rank(), watch), watch);
    }

    /** The device of a process on its own. */
    static Backend backend(DeviceConfig device) {
        return backend(device, RankEnvironment.alone(), Map.of());
    }

    private static Backend backend(DeviceConfig device, RankEnvironment self, Map<String, String> environment) {
        boolean shared = SharedGpus.on(environment);
        return switch (device.kind()) {
            case CPU -> {
                if (shared) {
                    throw UserError.badInput("--share-gpus is for GPUs, and device.kind is cpu: leave it out");
                }
                yield new CpuBackend(device.threads());
            }
            case CUDA -> {
                CudaSettings settings = CudaSettings.standard(self.device(environment, CudaDevice.count())).computing(device.computeType());
                settings = shared ? settings.sharing() : settings;
                yield new CudaBackend(device.deterministic() ? settings.reproducible() : settings, CudaOps::new);
            }
        };
    }

    private static double peak(String gpu) {
        String[] names = {"B300", "B200", "GB200", "H200", "H100 PCIe", "H100", "H800", "A100", "A800"};
        double[] teraflops = {2250, 2250, 2250, 989, 756, 989, 989, 312, 312};
        for (int i = 0; i < names.length; i++) {
            if (gpu.contains(names[i])) {
                return teraflops[i] * 1e12;
            }
        }
        return 0;
    }

    /**
     * Does the work that this rank shares with others. If it fails, work of theirs that waits for this rank ends now, before anything is
     * closed that would wait for the device.
     */
    <T> T sharing(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            if (watch != null && watch.sound()) {
                watch.giveUp(e.getMessage() == null ? e.toString() : e.getMessage());
            }
            if (watch != null) {
                CudaDevice.exitAtTheEnd(status(e).status());
            }
            throw e;
        }
    }

    private static ExitCode status(Throwable failure) {
        for (Throwable link = failure; link != null; link = link.getCause()) {
            if (link instanceof UserError error) {
                return error.exitCode();
            }
        }
        return ExitCode.INTERNAL;
    }

    @Override
    public void close() {
        if (watch != null && watch.deviceLost()) {
            LOG.debug("the device is left as it is: it may wait for other ranks");
            watch.close();
            if (rendezvous != null) {
                rendezvous.close();
            }
            return;
        }
        groups.close();
        if (savers instanceof RendezvousRanks ranks) {
            ranks.leave(rendezvous);
        }
        boolean lost = watch != null && watch.deviceLost();
        if (watch != null) {
            watch.close();
        }
        if (rendezvous != null) {
            rendezvous.close();
        }
        if (!lost) {
            backend.close();
        }
    }
}
