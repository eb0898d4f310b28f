package org.longhaul.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.longhaul.metrics.MetricsServer.Health;

/** What a scraper and a probe get, by a real client over a socket. */
class MetricsServerTest {
    private final AtomicReference<Health> health = new AtomicReference<>(new Health(true, "ok"));
    private MetricsServer server;

    @BeforeEach
    void serve() throws IOException {
        server = new MetricsServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), () -> "longhaul_step 1\n", health::get);
    }

    @AfterEach
    void close() {
        server.close();
    }

    @Test
    void metricsAreTextOfTheFormatsVersion() throws Exception {
        HttpResponse<String> page = ask("GET", "/metrics");
        assertEquals(200, page.statusCode());
        assertEquals("text/plain; version=0.0.4; charset=utf-8", page.headers().firstValue("Content-Type").orElseThrow());
        assertEquals("longhaul_step 1\n", page.body());
        assertEquals("", ask("HEAD", "/metrics").body());
    }

    @Test
    void healthTurnsAndOtherPathsAndMethodsAreRefused() throws Exception {
        assertEquals(200, ask("GET", "/healthz").statusCode());
        health.set(new Health(false, "stalled"));
        assertEquals(503, ask("GET", "/healthz").statusCode());
        assertEquals("stalled\n", ask("GET", "/healthz").body());
        assertEquals(404, ask("GET", "/metricsx").statusCode());
        assertEquals(404, ask("GET", "/").statusCode());
        assertEquals(405, ask("DELETE", "/metrics").statusCode());
    }

    /** A client that connects and says nothing holds nobody up, however many such there are. */
    @Test
    void silentClientsHoldNobodyUp() throws Exception {
        try (Socket a = silent(); Socket b = silent(); Socket c = silent()) {
            assertEquals(200, ask("GET", "/healthz").statusCode(), a + " " + b + " " + c);
        }
    }

    @Test
    void aPortInUseAndAnUnknownHostAreErrors() {
        assertThrows(IOException.class, () -> new MetricsServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()), () -> "", health::get));
        assertThrows(IOException.class, () -> new MetricsServer(InetSocketAddress.createUnresolved("no.such.host.invalid", 0), () -> "", health::get));
    }

    private Socket silent() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), server.port());
    }

    private HttpResponse<String> ask(String method, String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + server.port() + path);
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody()).build(),
                BodyHandlers.ofString());
    }
}
