package org.longhaul.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Serves {@code /metrics} (Prometheus' text format) and {@code /healthz} (200 or 503 and a line why) over HTTP on threads of its own. The pages
 * are made when they are asked for.
 */
public final class MetricsServer implements AutoCloseable {
    private static final int THREADS = 2;
    private static final String SECONDS_A_REQUEST = "10";

    private final HttpServer server;
    private final ExecutorService threads;

    /**
     * How the process is.
     *
     * @param good whether a probe should be content
     * @param words why, in one line
     */
    public record Health(boolean good, String words) {}

    /** Serves at an address, whose port 0 picks a free one; throws IOException where that cannot be had. */
    public MetricsServer(InetSocketAddress address, Supplier<String> page, Supplier<Health> health) throws IOException {
        // A client that never finishes its request must not hold a thread for ever. The JDK reads these once.
        for (String limit : new String[] {"sun.net.httpserver.maxReqTime", "sun.net.httpserver.maxRspTime"}) {
            if (System.getProperty(limit) == null) {
                System.setProperty(limit, SECONDS_A_REQUEST);
            }
        }
        if (address.isUnresolved()) {
            throw new IOException("unknown host " + address.getHostString());
        }
        server = HttpServer.create(address, 0);
        threads = Executors.newFixedThreadPool(THREADS, work -> {
            Thread thread = new Thread(work, "metrics");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange, page, health);
            }
        });
        server.start();
    }

    private static void answer(HttpExchange exchange, Supplier<String> page, Supplier<Health> health) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (!head && !exchange.getRequestMethod().equals("GET")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            send(exchange, 405, "text/plain; charset=utf-8", "only GET\n", head);
            return;
        }
        switch (exchange.getRequestURI().getPath()) {
            case "/metrics" -> send(exchange, 200, Exposition.CONTENT_TYPE, page.get(), head);
            case "/healthz" -> {
                Health now = health.get();
                send(exchange, now.good() ? 200 : 503, "text/plain; charset=utf-8", now.words() + "\n", head);
            }
            default -> send(exchange, 404, "text/plain; charset=utf-8", "there are /metrics and /healthz\n", head);
        }
    }

    private static void send(HttpExchange exchange, int status, String type, String text, boolean head) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
        if (!head) {
            exchange.getResponseBody().write(bytes);
        }
    }

    /** The port it listens on. */
    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
