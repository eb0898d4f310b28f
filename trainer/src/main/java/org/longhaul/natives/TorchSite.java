package org.longhaul.natives;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * The site's PyTorch that {@code PYTORCH_LIBRARY_PATH} names: a folder made by {@code scripts/build-native}, or a lib folder of PyTorch.
 *
 * @param folder what the variable names
 * @param version for instance {@code 2.11.0+cu130}; empty when it cannot be told
 * @param cuda the CUDA it was built for, for instance {@code 13.0}; empty for none
 * @param natives whether our own natives lie there
 */
record TorchSite(Path folder, String version, String cuda, boolean natives) {
    /** The version that DJL's prebuilt natives are for, and the flavours they exist in. */
    static final String PREBUILT = "2.7.1";

    private static final List<String> PREBUILT_CUDA = List.of("", "12.8");
    private static final String OWN = "libdjl_torch.so";
    private static final String PROPERTIES = "longhaul-torch.properties";

    /** What makes a site's libtorch known to an installation that brings none. */
    static final String BRING = "run scripts/build-native for this machine's PyTorch and export the PYTORCH_LIBRARY_PATH that it prints";

    /** Whether the class path holds the CPU's libtorch, as a checkout's does and a bundle's does not. */
    static boolean brought(ClassLoader loader) {
        return loader.getResource("native/lib/pytorch.properties") != null;
    }

    /** The site's PyTorch, if one is named. */
    static Optional<TorchSite> detect() {
        List<Path> folders = NativeLibraries.torchFolders();
        return folders.isEmpty() ? Optional.empty() : Optional.of(of(folders.get(0)));
    }

    static TorchSite of(Path folder) {
        boolean natives = Files.exists(folder.resolve(OWN));
        Properties properties = new Properties();
        try {
            if (Files.exists(folder.resolve(PROPERTIES))) {
                try (var in = Files.newBufferedReader(folder.resolve(PROPERTIES), StandardCharsets.UTF_8)) {
                    properties.load(in);
                }
            } else if (Files.exists(folder.resolve("../version.py"))) {
                String text = Files.readString(folder.resolve("../version.py"));
                properties.setProperty("version", value(text, "__version__"));
                properties.setProperty("cuda", value(text, "cuda"));
            } else if (Files.exists(folder.resolve("../build-version"))) {
                properties.setProperty("version", Files.readString(folder.resolve("../build-version")).strip());
            }
        } catch (IOException e) {
            throw UserError.environment("cannot read what PyTorch lies at " + folder + ": " + Reason.of(e), e);
        }
        return new TorchSite(folder, properties.getProperty("version", ""), properties.getProperty("cuda", ""), natives);
    }

    private static String value(String python, String name) {
        Matcher m = Pattern.compile("^" + name + "\\b.*?= *'([^']*)'", Pattern.MULTILINE).matcher(python);
        return m.find() ? m.group(1) : "";
    }

    /** Whether DJL's prebuilt natives fit. */
    boolean prebuilt() {
        return version.split("\\+")[0].equals(PREBUILT) && PREBUILT_CUDA.contains(cuda);
    }

    /** Throws when the engine could not start on it: a JNI for another version misreads tensors instead of failing. */
    void check() {
        if (!Files.exists(folder.resolve("libtorch_cpu.so"))) {
            throw UserError.environment("PYTORCH_LIBRARY_PATH is " + folder + ", which has no libtorch_cpu.so; name the lib folder of a"
                    + " PyTorch installation or what scripts/build-native prints");
        }
        if (!natives && !version.isEmpty() && !prebuilt()) {
            throw UserError.environment("PyTorch " + version + " at " + folder + " has no natives for Longhaul; run scripts/build-native "
                    + folder + " and export the PYTORCH_LIBRARY_PATH it prints");
        }
    }

    /** DJL's name of the build, which it would otherwise guess wrongly. */
    String flavor() {
        return cuda.isEmpty() ? "cpu" : "cu" + cuda.replace(".", "");
    }
}
