package org.longhaul.launch;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/** Two {@link TestLauncher}s of one job on this machine, as of two nodes with one rank each; whatever they started ends when this is closed. */
final class TestNodes implements AutoCloseable {
    private static final int NODES = 2;

    private final List<Process> launchers = new ArrayList<>();

    /**
     * Starts them.
     *
     * @param properties of both, such as {@code -Dtest.grace=1}
     * @param command of the ranks
     * @param output of a node's launcher
     */
    void start(List<String> properties, int restarts, List<String> command, IntFunction<ProcessBuilder.Redirect> output) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        for (int node = 0; node < NODES; node++) {
            List<String> line = new ArrayList<>(jvm());
            line.addAll(List.of("-Dtest.nodes=" + NODES, "-Dtest.node=" + node, "-Dtest.port=" + port, "-Dtest.job=two"));
            line.addAll(properties);
            line.addAll(List.of(TestLauncher.class.getName(), "1", Integer.toString(restarts)));
            line.addAll(command);
            launchers.add(new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.apply(node)).start());
        }
    }

    /** A node's launcher. */
    Process get(int node) {
        return launchers.get(node);
    }

    /** This Java with the tests' class path, for a class with its arguments to follow. */
    static List<String> jvm() {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"));
    }

    @Override
    public void close() {
        launchers.stream().flatMap(p -> Stream.concat(p.descendants(), Stream.of(p.toHandle()))).forEach(ProcessHandle::destroyForcibly);
    }
}
