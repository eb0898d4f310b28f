package org.longhaul.parallel;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.longhaul.error.UserError;

/**
 * Where the ranks of a job find each other: a small key-value store over TCP that rank 0's launcher serves. A value is put once
 * and waited for by those who need it. A job token keeps strangers and left-overs of an earlier attempt out.
 */
public final class Rendezvous implements AutoCloseable {
    /** A rank puts this and its number when it needs the store no more. */
    public static final String FAREWELL = "left/";

    private static final int MAGIC = 0x4c48_5256;
    private static final byte PUT = 1;
    private static final byte GET = 2;
    private static final byte FORGET = 3;
    private static final byte OFFER = 4;
    private static final byte OK = 0;
    private static final byte LATE = 1;
    private static final byte STRANGER = 2;
    private static final String FIRST = "\u0001";
    private static final int SILENCE_MILLIS = 60_000;
    private static final long ACCEPT_NANOS = 10_000_000;

    private final ServerSocket server;
    private volatile String token;
    private final String first;
    private final Map<String, byte[]> values = new LinkedHashMap<>();

    private Rendezvous(ServerSocket server, String token) {
        this.server = server;
        this.token = token;
        this.first = token;
    }

    /**
     * Serves at a port (0 picks a free one) until closed. Who names this first token is always welcome, and his values are never forgotten:
     * launchers meet under it.
     */
    public static Rendezvous serve(int port, String token) {
        try {
            Rendezvous rendezvous = new Rendezvous(new ServerSocket(port, 1024), token);
            Thread thread = new Thread(rendezvous::acceptAll, "rendezvous");
            thread.setDaemon(true);
            thread.start();
            return rendezvous;
        } catch (IOException e) {
            throw UserError.environment("the rendezvous cannot listen on port " + port + " (" + e.getMessage()
                    + "): another job may hold it; choose one with MASTER_PORT or --rendezvous-port", e);
        }
    }

    /** The port it listens on. */
    public int port() {
        return server.getLocalPort();
    }

    /** Forgets all values and takes another token: a new attempt of the job begins. */
    public void reset(String newToken) {
        synchronized (values) {
            token = newToken;
            values.keySet().removeIf(key -> !key.startsWith(FIRST));
        }
    }

    private void acceptAll() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                try {
                    Thread thread = new Thread(() -> answer(socket), "rendezvous-client");
                    thread.setDaemon(true);
                    thread.start();
                } catch (OutOfMemoryError e) {
                    // No further thread for now, where the node's limit is reached: this client asks again, the ones after it must find a server.
                    socket.close();
                    LockSupport.parkNanos(ACCEPT_NANOS);
                }
            } catch (IOException e) {
                // Closed, or a client that gave up while connecting; or no more files may be open, which must not cost a core as well.
                LockSupport.parkNanos(ACCEPT_NANOS);
            }
        }
    }

    private void answer(Socket socket) {
        try (socket; DataInputStream in = new DataInputStream(socket.getInputStream());
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()))) {
            // Whoever connects and says nothing, as probes of ports do, is not kept for the months of a run.
            socket.setSoTimeout(SILENCE_MILLIS);
            boolean speaks = in.readInt() == MAGIC;
            String named = speaks ? in.readUTF() : "";
            if (!speaks || !named.equals(token) && !named.equals(first)) {
                out.writeByte(STRANGER);
                return;
            }
            byte kind = in.readByte();
            reply(kind, (named.equals(token) ? "" : FIRST) + in.readUTF(), in, out);
        } catch (IOException e) {
            // The client sees the broken connection and says so.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void reply(byte kind, String key, DataInputStream in, DataOutputStream out) throws IOException, InterruptedException {
        switch (kind) {
            case PUT -> {
                store(key, in.readNBytes(in.readInt()), true);
                out.writeByte(OK);
            }
            case OFFER -> tell(out, store(key, in.readNBytes(in.readInt()), false));
            case FORGET -> {
                synchronized (values) {
                    values.keySet().removeIf(k -> k.startsWith(key));
                }
                out.writeByte(OK);
            }
            default -> tell(out, await(key, in.readLong()));
        }
    }

    // Answers which value stands.
    private byte[] store(String key, byte[] value, boolean replaces) {
        synchronized (values) {
            if (replaces || !values.containsKey(key)) {
                values.put(key, value);
                values.notifyAll();
            }
            return values.get(key);
        }
    }

    private static void tell(DataOutputStream out, byte[] value) throws IOException {
        out.writeByte(value == null ? LATE : OK);
        if (value != null) {
            out.writeInt(value.length);
            out.write(value);
        }
    }

    /** Waits until all these values are there, or for a time; whether they are. */
    public boolean holds(Collection<String> keys, Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        try {
            synchronized (values) {
                while (!values.keySet().containsAll(keys)) {
                    long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                    if (left <= 0) {
                        return false;
                    }
                    values.wait(left);
                }
                return true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** A value of the present attempt, if it is there. */
    public Optional<byte[]> value(String key) {
        synchronized (values) {
            return Optional.ofNullable(values.get(key));
        }
    }

    /** The keys of the present attempt that start so. */
    public List<String> keys(String prefix) {
        synchronized (values) {
            return values.keySet().stream().filter(key -> key.startsWith(prefix)).toList();
        }
    }

    /** A value that was put under the first token, if it is there. */
    public Optional<byte[]> welcomed(String key) {
        return value(FIRST + key);
    }

    /** What was put under the first token with keys that start so, in the order in which it came. */
    public List<byte[]> kept(String prefix) {
        synchronized (values) {
            return values.entrySet().stream().filter(e -> e.getKey().startsWith(FIRST + prefix)).map(Map.Entry::getValue).toList();
        }
    }

    private byte[] await(String key, long millis) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        synchronized (values) {
            while (!values.containsKey(key)) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    return null;
                }
                values.wait(left);
            }
            return values.get(key);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            // A listening socket that cannot be closed ends with the process.
        }
    }

    /** A rank's access to the store. One short connection a call, so that no client holds the server up. */
    public static final class Client {
        private final String host;
        private final int port;
        private final String token;
        private final Duration timeout;
        private final String scope;
        private volatile boolean met;

        /** Names the store; connects at the first call. */
        public Client(String host, int port, String token, Duration timeout) {
            this(host, port, token, timeout, "");
        }

        private Client(String host, int port, String token, Duration timeout, String scope) {
            this.scope = scope;
            this.host = host;
            this.port = port;
            this.token = token;
            this.timeout = timeout;
        }

        /** Stores a value. */
        public void put(String key, byte[] value) {
            call(key, (in, out) -> {
                send(out, PUT, key, value);
                requireWelcome(in.readByte());
                return value;
            });
        }

        /** Stores a value unless there is one already, and answers which one stands: of several that offer, all learn the same. */
        public byte[] offer(String key, byte[] value) {
            return call(key, (in, out) -> {
                send(out, OFFER, key, value);
                requireWelcome(in.readByte());
                return in.readNBytes(in.readInt());
            });
        }

        /** The same store, for calls that wait this long. */
        public Client within(Duration callTimeout) {
            return new Client(host, port, token, callTimeout, scope);
        }

        /** The same store with names of its own: what others call alike is not meant. Empty for the names that all share. */
        public Client scoped(String name) {
            return new Client(host, port, token, timeout, name.isEmpty() ? "" : name + "/");
        }

        /** Drops all values whose keys start so. */
        public void forget(String prefix) {
            call(prefix, (in, out) -> {
                out.writeByte(FORGET);
                out.writeUTF(scope + prefix);
                out.flush();
                requireWelcome(in.readByte());
                return null;
            });
        }

        /** Waits until the value is there. */
        public byte[] get(String key) {
            return find(key, timeout).orElseThrow(() -> UserError.environment("nobody put '" + key + "' at the rendezvous " + host + ":" + port
                    + " within " + timeout.toSeconds() + " s; is that rank running?"));
        }

        /** The value if it is put within a time; empty otherwise. */
        public Optional<byte[]> find(String key, Duration within) {
            byte[] value = call(key, (in, out) -> {
                out.writeByte(GET);
                out.writeUTF(scope + key);
                out.writeLong(within.toMillis());
                out.flush();
                byte answer = in.readByte();
                requireWelcome(answer);
                return answer == LATE ? null : in.readNBytes(in.readInt());
            });
            return Optional.ofNullable(value);
        }

        /** This host's address as the store's host sees it, so that peers on the same network reach it. */
        public String localAddress() {
            try (Socket socket = connect()) {
                return socket.getLocalAddress().getHostAddress();
            } catch (IOException e) {
                throw unreachable("broke the connection (" + e.getMessage() + ")", e);
            }
        }

        private void send(DataOutputStream out, byte kind, String key, byte[] value) throws IOException {
            out.writeByte(kind);
            out.writeUTF(scope + key);
            out.writeInt(value.length);
            out.write(value);
            out.flush();
        }

        private void requireWelcome(byte answer) {
            if (answer == STRANGER) {
                throw UserError.environment("the rendezvous " + host + ":" + port
                        + " belongs to another job or attempt (its token differs); choose another port");
            }
        }

        private byte[] call(String key, Conversation conversation) {
            try (Socket socket = connect()) {
                socket.setSoTimeout(millis() + 5000);
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
                out.writeInt(MAGIC);
                out.writeUTF(token);
                return conversation.hold(new DataInputStream(socket.getInputStream()), out);
            } catch (SocketTimeoutException e) {
                throw unreachable("does not answer within " + timeout.toSeconds() + " s", e);
            } catch (IOException e) {
                throw unreachable("broke the connection for '" + key + "' (" + e.getMessage() + ")", e);
            }
        }

        // The server may start a while after its clients; and where it has answered once, a name or a way that is missing now may be back in a moment.
        private Socket connect() {
            long deadline = System.nanoTime() + timeout.toNanos();
            while (true) {
                Socket socket = new Socket();
                try {
                    socket.connect(new InetSocketAddress(host, port), millis());
                    met = true;
                    return socket;
                } catch (IOException e) {
                    close(socket);
                    boolean over = System.nanoTime() > deadline;
                    if (e instanceof ConnectException && over) {
                        throw unreachable("refuses connections for " + timeout.toSeconds() + " s", e);
                    } else if (e instanceof SocketTimeoutException && (over || !met)) {
                        throw unreachable("does not answer within " + timeout.toSeconds() + " s", e);
                    } else if (e instanceof UnknownHostException && (over || !met)) {
                        throw unreachable("has an unknown host name", e);
                    } else if (!(e instanceof ConnectException) && (over || !met)) {
                        throw unreachable("cannot be reached (" + e.getMessage() + ")", e);
                    }
                    pause();
                }
            }
        }

        private static void close(Socket socket) {
            try {
                socket.close();
            } catch (IOException e) {
                // It was never connected.
            }
        }

        private UserError unreachable(String what, IOException cause) {
            return UserError.environment("the rendezvous " + host + ":" + port + " " + what
                    + "; is rank 0 running there and the port open?", cause);
        }

        private int millis() {
            return Math.toIntExact(Math.min(Integer.MAX_VALUE / 2, timeout.toMillis()));
        }

        private static void pause() {
            try {
                TimeUnit.MILLISECONDS.sleep(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw UserError.environment("interrupted while waiting for the rendezvous");
            }
        }

        private interface Conversation {
            byte[] hold(DataInputStream in, DataOutputStream out) throws IOException;
        }
    }
}
