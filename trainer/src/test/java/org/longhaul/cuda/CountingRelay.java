package org.longhaul.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands before a store and counts who comes. */
final class CountingRelay implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
    private final AtomicInteger connections = new AtomicInteger();

    CountingRelay(int storePort) throws IOException {
        daemon(() -> {
            while (true) {
                Socket client = server.accept();
                connections.incrementAndGet();
                Socket store = new Socket(InetAddress.getLoopbackAddress(), storePort);
                daemon(() -> pump(client, store));
                daemon(() -> pump(store, client));
            }
        });
    }

    int port() {
        return server.getLocalPort();
    }

    int connections() {
        return connections.get();
    }

    private static void pump(Socket from, Socket to) throws IOException {
        try (from; to; InputStream in = from.getInputStream()) {
            in.transferTo(to.getOutputStream());
        }
    }

    private interface Pumping {
        void run() throws IOException;
    }

    private static void daemon(Pumping work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // One of the ends has closed.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
