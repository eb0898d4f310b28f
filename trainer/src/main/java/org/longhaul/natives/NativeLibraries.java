package org.longhaul.natives;

import com.sun.jna.NativeLibrary;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * Finds and opens shared libraries: first beside the site's PyTorch ({@code PYTORCH_LIBRARY_PATH} and the {@code nvidia/<part>/lib}
 * folders that its wheels put next to it), then {@code LD_LIBRARY_PATH}, then the usual CUDA folders, then the system's loader.
 */
public final class NativeLibraries {
    private NativeLibraries() {}

    /** The folders of the site's libtorch, from the environment or the system property {@code PYTORCH_LIBRARY_PATH}. */
    static List<Path> torchFolders() {
        String value = System.getenv("PYTORCH_LIBRARY_PATH");
        if (value == null || value.isBlank()) {
            value = System.getProperty("PYTORCH_LIBRARY_PATH", "");
        }
        List<Path> folders = new ArrayList<>();
        for (String part : value.split(File.pathSeparator)) {
            if (!part.isBlank()) {
                Path p = Path.of(part.trim());
                folders.add(Files.isRegularFile(p) && p.getParent() != null ? p.getParent() : p);
            }
        }
        return folders;
    }

    /** Every folder searched, in order, existing ones only. */
    static List<Path> searchFolders() {
        Set<Path> folders = new LinkedHashSet<>();
        for (Path torch : torchFolders()) {
            folders.add(torch);
            // A folder of links (see scripts/build-native) leads to the real installation, whose neighbours are the CUDA wheels.
            for (String file : new String[] {"libtorch_cuda.so", "libtorch_cpu.so", "libc10.so"}) {
                Path library = torch.resolve(file);
                if (Files.exists(library)) {
                    addInstallation(folders, library);
                    break;
                }
            }
        }
        for (String part : System.getenv().getOrDefault("LD_LIBRARY_PATH", "").split(File.pathSeparator)) {
            if (!part.isBlank()) {
                folders.add(Path.of(part));
            }
        }
        String cuda = System.getenv("CUDA_HOME");
        if (cuda != null && !cuda.isBlank()) {
            folders.add(Path.of(cuda, "lib64"));
        }
        folders.add(Path.of("/usr/local/cuda/lib64"));
        folders.add(Path.of("/usr/local/nvidia/lib64"));
        folders.add(Path.of("/usr/lib/x86_64-linux-gnu"));
        folders.add(Path.of("/usr/lib64"));
        return folders.stream().filter(Files::isDirectory).toList();
    }

    private static void addInstallation(Set<Path> folders, Path library) {
        try {
            Path lib = library.toRealPath().getParent();
            folders.add(lib);
            Path site = lib.getParent() == null ? null : lib.getParent().getParent();
            Path nvidia = site == null ? null : site.resolve("nvidia");
            if (nvidia != null && Files.isDirectory(nvidia)) {
                try (Stream<Path> parts = Files.list(nvidia)) {
                    parts.map(p -> p.resolve("lib")).filter(Files::isDirectory).sorted().forEach(folders::add);
                }
            }
        } catch (IOException e) {
            throw UserError.environment("cannot read the libtorch folder of " + library + ": " + Reason.of(e), e);
        }
    }

    /** The first file called {@code lib<name>.so}, or {@code lib<name>.so.<version>} with the highest version, along the search folders. */
    public static Optional<Path> find(String name) {
        for (Path folder : searchFolders()) {
            Optional<Path> hit = in(folder, name);
            if (hit.isPresent()) {
                return hit;
            }
        }
        return Optional.empty();
    }

    /** A library that belongs to another one and lies in the same folder. */
    static Optional<Path> companion(Path library, String name) {
        return library == null || library.getParent() == null ? Optional.empty() : in(library.getParent(), name);
    }

    private static Optional<Path> in(Path folder, String name) {
        String plain = "lib" + name + ".so";
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> {
                        String n = f.getFileName().toString();
                        return n.equals(plain) || n.startsWith(plain + ".") && n.substring(plain.length()).matches("(\\.\\d+)+");
                    })
                    .max(Comparator.comparing(NativeLibraries::version));
        } catch (IOException e) {
            // An unreadable folder of LD_LIBRARY_PATH is skipped, as the system's loader does.
            return Optional.empty();
        }
    }

    private static String version(Path file) {
        StringBuilder key = new StringBuilder();
        for (String part : file.getFileName().toString().replaceFirst("^.*?\\.so\\.?", "").split("\\.")) {
            key.append(String.format("%8s", part));
        }
        return key.toString();
    }

    /**
     * Opens a library, trying the found file, then each of {@code sonames} by the system's loader.
     *
     * @param mend what the user should do when there is none
     */
    static NativeLibrary open(String name, String mend, String... sonames) {
        List<String> tried = new ArrayList<>();
        Optional<Path> file = find(name);
        if (file.isPresent()) {
            try {
                return NativeLibrary.getInstance(file.get().toString());
            } catch (UnsatisfiedLinkError e) {
                tried.add(file.get() + " (" + firstLine(e) + ")");
            }
        }
        for (String soname : sonames) {
            try {
                return NativeLibrary.getInstance(soname);
            } catch (UnsatisfiedLinkError e) {
                tried.add(soname);
            }
        }
        throw UserError.environment("cannot load lib" + name + ", tried " + String.join(", ", tried) + "; " + mend);
    }

    /**
     * Runs what binds a library and answers the UserError that prevented it, else null. A static initialiser must not throw it: the
     * JVM would wrap it the first time and forget it afterwards.
     */
    static UserError bind(Runnable binding) {
        try {
            binding.run();
            return null;
        } catch (UserError e) {
            return e;
        } catch (UnsatisfiedLinkError e) {
            return UserError.environment(
                    firstLine(e) + "; the library is of another version than Longhaul knows (longhaul doctor lists what was found)", e);
        }
    }

    private static String firstLine(Throwable e) {
        String message = String.valueOf(e.getMessage());
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
