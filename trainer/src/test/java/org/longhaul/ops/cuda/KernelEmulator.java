package org.longhaul.ops.cuda;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.tensor.DType;

/** Kernels compiled by g++ and run on the CPU by fibers, so that index arithmetic and barriers are tested without a GPU. */
final class KernelEmulator implements KernelProvider {
    private static final Map<String, NativeLibrary> LIBRARIES = new HashMap<>();

    private final DType compute;
    private final int multiprocessors;
    private final int sharedBytes;
    private final Path folder;
    private Memory scratch = new Memory(256);

    /** An emulated GPU with few multiprocessors, so that blocks that walk rows really walk. */
    KernelEmulator(DType compute, int multiprocessors, int sharedBytes, Path folder) {
        this.compute = compute;
        this.multiprocessors = multiprocessors;
        this.sharedBytes = sharedBytes;
        this.folder = folder;
    }

    /** Whether there is a compiler to build with. */
    static boolean available() {
        try {
            return new ProcessBuilder("g++", "--version").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public Kernel kernel(String source, String entry) {
        NativeLibrary library = LIBRARIES.computeIfAbsent(source + compute, s -> build(source));
        return new Emulated(entry, library.getFunction("lh_launch"));
    }

    @Override
    public DType computeType() {
        return compute;
    }

    @Override
    public int multiprocessors() {
        return multiprocessors;
    }

    @Override
    public int sharedBytes() {
        return sharedBytes;
    }

    @Override
    public long scratch(long bytes) {
        if (scratch.size() < bytes + 256) {
            scratch = new Memory(bytes + 256);
        }
        scratch.setMemory(0, scratch.size(), (byte) 0xff);
        return (Pointer.nativeValue(scratch) + 255) / 256 * 256;
    }

    @Override
    public void zero(long address, long bytes) {
        new Pointer(address).setMemory(0, bytes, (byte) 0);
    }

    private NativeLibrary build(String source) {
        try {
            String kernels = KernelSources.text(source);
            StringBuilder table = new StringBuilder("struct NamedKernel { const char *name; void (*call)(void **); };\n"
                    + "static const NamedKernel kernels[] = {\n");
            for (String entry : entries(kernels)) {
                table.append("{\"").append(entry).append("\", [](void **s) { emulation::invoke(&").append(entry).append(", s); }},\n");
            }
            table.append("};\n");
            Path cpp = folder.resolve(source + "-" + compute + ".cpp");
            Path so = folder.resolve("lib" + source + "-" + compute + ".so");
            Files.writeString(cpp, resource("emulation.h") + kernels + table + resource("emulation_main.h"));
            List<String> command = new java.util.ArrayList<>(
                    List.of("g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-DLH_EMULATION"));
            if (compute == DType.F32) {
                command.add("-DLH_F32");
            }
            command.addAll(List.of("-o", so.toString(), cpp.toString()));
            Path log = folder.resolve(source + "-" + compute + ".log");
            int status = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start().waitFor();
            if (status != 0) {
                throw new IllegalStateException(source + ".cu does not compile for the emulator:\n" + Files.readString(log));
            }
            return NativeLibrary.getInstance(so.toString());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    // Entries are written out, or made by a macro NAME(V) whose body says prefix_##V.
    private static Set<String> entries(String text) {
        Set<String> names = new LinkedHashSet<>();
        String joined = text.replace("\\\n", " ");
        for (String line : joined.split("\n")) {
            Matcher macro = Pattern.compile("#define (LH_\\w+)\\(([^)]*)\\)(.*__global__.*)").matcher(line);
            if (macro.find()) {
                for (Matcher use = Pattern.compile("(?m)^" + macro.group(1) + "\\(([^)]*)\\)").matcher(joined); use.find(); ) {
                    String parameter = macro.group(2).split(",")[0].trim();
                    String value = use.group(1).split(",")[0].trim();
                    collect(macro.group(3).replace("##" + parameter, value).replaceAll("\\b" + parameter + "\\b", value), names);
                }
            }
        }
        collect(joined.replaceAll("(?m)^#define.*$", ""), names);
        return names;
    }

    private static void collect(String text, Set<String> names) {
        Matcher m = Pattern.compile("__global__\\s+void\\s+(?:__launch_bounds__\\(\\d+\\)\\s*)?(\\w+)\\s*\\(").matcher(text);
        while (m.find()) {
            names.add(m.group(1));
        }
    }

    private static String resource(String name) throws IOException {
        try (var in = KernelEmulator.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static final class Emulated implements Kernel {
        private static final int SLOTS = 48;
        private final String name;
        private final Function launch;
        private final Memory slots = new Memory(SLOTS * 8L);
        private final Memory table = new Memory(SLOTS * 8L);
        private int next;

        Emulated(String name, Function launch) {
            this.name = name;
            this.launch = launch;
            for (int i = 0; i < SLOTS; i++) {
                table.setLong(8L * i, Pointer.nativeValue(slots) + 8L * i);
            }
        }

        @Override
        public Kernel pointer(long address) {
            slots.setLong(8L * next++, address);
            return this;
        }

        @Override
        public Kernel int32(int value) {
            slots.setInt(8L * next++, value);
            return this;
        }

        @Override
        public Kernel int64(long value) {
            slots.setLong(8L * next++, value);
            return this;
        }

        @Override
        public Kernel float32(float value) {
            slots.setFloat(8L * next++, value);
            return this;
        }

        @Override
        public Kernel maxShared(int bytes) {
            return this;
        }

        @Override
        public void reset() {
            next = 0;
        }

        @Override
        public void launch(int gridX, int gridY, int blockX, int blockY, int sharedBytes) {
            next = 0;
            String error = launch.invokeString(new Object[] {name, gridX, gridY, blockX, blockY, sharedBytes, table}, false);
            if (error != null) {
                throw new IllegalStateException(name + ": " + error);
            }
        }
    }
}
