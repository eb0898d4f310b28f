package org.longhaul.natives;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.longhaul.doctor.DoctorCheck;
import org.longhaul.doctor.Finding;
import org.longhaul.doctor.Tool;

/** Whether libtorch loads and computes. */
public final class LibtorchCheck implements DoctorCheck {
    private static final Duration LIMIT = Duration.ofMinutes(3);

    @Override
    public int order() {
        return 110;
    }

    @Override
    public List<Finding> look() {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(option -> option.startsWith("--")).forEach(command::add);
        command.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path"), EngineProbe.class.getName()));
        return List.of(report(Tool.run(LIMIT, command), System.getenv().getOrDefault("PYTORCH_LIBRARY_PATH", "")));
    }

    static Finding report(Optional<Tool.Answer> answer, String siteFolder) {
        String mend = siteFolder.isBlank() && !TorchSite.brought(LibtorchCheck.class.getClassLoader())
                ? TorchSite.BRING
                : siteFolder.isBlank()
                ? "the libtorch that comes with Longhaul needs Linux on x86-64 and a writable home folder (or DJL_CACHE_DIR)"
                : "PYTORCH_LIBRARY_PATH is " + siteFolder + ": it must hold libtorch_cpu.so of a version that the native part was built for (scripts/build-native), or be unset";
        if (answer.isEmpty()) {
            return Finding.fail("libtorch", "does not answer within " + LIMIT.toMinutes() + " minutes", mend);
        }
        Optional<String> line = answer.get().text().lines().filter(text -> text.startsWith(EngineProbe.ANSWER)).findFirst();
        if (answer.get().status() == 0 && line.isPresent()) {
            return Finding.ok("libtorch", line.get().substring(EngineProbe.ANSWER.length()));
        }
        String reason = answer.get().text().lines().filter(text -> text.contains("Exception") || text.contains("Error") || text.contains("what()"))
                .findFirst().orElse(answer.get().text().lines().findFirst().orElse("no message"));
        return Finding.fail("libtorch", "does not load (exit status " + answer.get().status() + "): " + reason.strip(), mend);
    }
}
