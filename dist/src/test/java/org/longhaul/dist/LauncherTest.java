package org.longhaul.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts scripts/longhaul as a user does. */
class LauncherTest {
    private static final Path LAUNCHER = Checkout.root().resolve("scripts/longhaul");

    @TempDir Path folder;

    private record Ran(int status, String out, String err) {}

    private Ran run(Map<String, String> environment, Path script, String... args) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder().directory(folder.toFile());
        builder.command().add(script.toString());
        builder.command().addAll(List.of(args));
        builder.environment().keySet().removeIf(name -> name.startsWith("LONGHAUL_"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        CompletableFuture<String> err = CompletableFuture.supplyAsync(() -> read(process));
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ran(process.waitFor(), out, err.join());
    }

    private static String read(Process process) {
        try {
            return new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void startsFromAnyFolderThroughLinksAndSaysNothingBesides() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link to it"), LAUNCHER);
        Path second = Files.createSymbolicLink(folder.resolve("lh"), link);
        Ran ran = run(Map.of(), second, "--version");
        Files.delete(second);
        Files.delete(link);
        assertEquals(0, ran.status(), ran.err());
        assertEquals("", ran.err());
        assertTrue(ran.out().matches("longhaul \\S+, Java \\S+\n"), ran.out());
    }

    @Test
    void worksWithEveryJdkOfTheMachine() throws Exception {
        try (var jdks = Files.exists(Path.of("/usr/lib/jvm")) ? Files.list(Path.of("/usr/lib/jvm")) : java.util.stream.Stream.<Path>empty()) {
            for (Path jdk : jdks.filter(Files::isDirectory).filter(path -> Files.isExecutable(path.resolve("bin/java"))).toList()) {
                Ran ran = run(Map.of("JAVA_HOME", jdk.toString()), LAUNCHER, "doctr");
                assertEquals(2, ran.status(), jdk + ": " + ran.err());
                assertTrue(ran.err().startsWith("longhaul: unknown command 'doctr'; did you mean 'doctor'?") && ran.err().lines().count() == 1, jdk + ": " + ran.err());
            }
        }
    }

    @Test
    void theHeapIsSetAndChecked() throws Exception {
        Ran ran = run(Map.of("LONGHAUL_HEAP", "lots"), LAUNCHER, "--version");
        assertEquals(3, ran.status());
        assertEquals("longhaul: LONGHAUL_HEAP must be a size such as 8g or 512m, found 'lots'\n", ran.err());
        Ran doctor = run(Map.of("LONGHAUL_HEAP", "512m"), LAUNCHER, "doctor");
        assertTrue(doctor.out().contains("Java heap up to 0.5 GiB"), doctor.out() + doctor.err());
    }

    /** Cron, containers and nodes bring no locale, one that is not installed, or one with decimal commas. */
    @Test
    void anyLocaleWillDo() throws Exception {
        Path script = Files.writeString(folder.resolve("start"), """
                #!/bin/sh
                name=$(printf 'j\\303\\266b.yaml')
                printf 'steps: 0,5' > "$name"
                exec "$1" plan "$name"
                """);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        for (Map<String, String> locale : List.of(Map.of("LC_ALL", "C"), Map.of("LC_ALL", "", "LANG", "tr_TR.UTF-8"), Map.of("LC_ALL", "xx_YY", "LANG", ""))) {
            Ran ran = run(locale, script, LAUNCHER.toString());
            assertEquals(2, ran.status(), locale + ": " + ran.err());
            assertTrue(ran.err().contains("j\u00f6b.yaml:1: steps: must be a whole number, found '0,5'"), locale + ": " + ran.err());
        }
        Ran german = run(Map.of("LONGHAUL_JAVA_OPTS", "-Duser.language=de -Duser.country=DE"), LAUNCHER, "doctor");
        assertTrue(german.out().matches("(?s).*memory +\\d+\\.\\d GiB.*"), german.out());
    }

    @Test
    void anUnbuiltCheckoutSaysWhatToDo() throws Exception {
        Path scripts = Files.createDirectories(folder.resolve("checkout/scripts"));
        Path copy = Files.copy(LAUNCHER, scripts.resolve("longhaul"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        Ran ran = run(Map.of(), copy, "--version");
        assertEquals(3, ran.status());
        assertEquals("longhaul: not built yet; run " + folder.toRealPath() + "/checkout/scripts/build\n", ran.err());
    }

    @Test
    void anOldJavaIsNamed() throws Exception {
        Path bin = Files.createDirectories(folder.resolve("jdk8/bin"));
        Path java = Files.writeString(bin.resolve("java"), "#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        // Where the script looks last cannot be hidden from it, so it is pointed elsewhere.
        Path scripts = Files.createDirectories(folder.resolve("checkout/scripts"));
        Path copy = scripts.resolve("longhaul");
        Files.writeString(copy, Files.readString(LAUNCHER).replace("/usr/lib/jvm/*/bin/java", folder + "/none/*/bin/java"));
        Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path path = pathWithoutJava();
        Ran old = run(Map.of("JAVA_HOME", folder.resolve("jdk8").toString(), "PATH", path.toString()), copy, "--version");
        assertEquals(3, old.status());
        assertTrue(old.err().startsWith("longhaul: Java 17 or newer is needed: Java 8 at " + java + "; install"), old.err());
        Ran none = run(Map.of("JAVA_HOME", "", "PATH", path.toString()), copy, "--version");
        assertEquals(3, none.status());
        assertTrue(none.err().startsWith("longhaul: Java 17 or newer is needed: no Java found"), none.err());
    }

    /** A folder with the few tools that the script calls. */
    private Path pathWithoutJava() throws IOException {
        Path tools = Files.createDirectories(folder.resolve("tools"));
        for (String tool : List.of("dirname", "readlink", "sed", "head", "stty")) {
            Path bin = Files.exists(Path.of("/usr/bin", tool)) ? Path.of("/usr/bin", tool) : Path.of("/bin", tool);
            Path wrapper = Files.writeString(tools.resolve(tool), "#!/bin/sh\nexec " + bin + " \"$@\"\n");
            Files.setPosixFilePermissions(wrapper, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        return tools;
    }
}
