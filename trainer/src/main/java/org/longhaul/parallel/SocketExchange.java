package org.longhaul.parallel;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.longhaul.error.UserError;

/**
 * One rank's end of a group whose ranks are processes: a connection to every peer, found through the {@link Rendezvous}. One
 * thread per peer writes, one reads into queues, so that no order of calls can block a pair of ranks on each other.
 */
final class SocketExchange implements Exchange {
    private static final byte GATHER = 1;
    private static final byte MESSAGE = 2;
    private static final byte ABORT = 3;

    private final String name;
    private final int rank;
    private volatile Duration timeout;
    private final Peer[] peers;
    private volatile String failure;
    private volatile boolean closed;

    private SocketExchange(String name, int rank, int size, Duration timeout) {
        this.name = name;
        this.rank = rank;
        this.timeout = timeout;
        this.peers = new Peer[size];
    }

    /** Joins the group; returns when every pair of ranks is connected. */
    static SocketExchange join(String name, int rank, int size, Rendezvous.Client rendezvous, Duration timeout) {
        SocketExchange exchange = new SocketExchange(name, rank, size, timeout);
        try (ServerSocket server = new ServerSocket(0, size)) {
            String host = rendezvous.localAddress();
            rendezvous.put(key(name, rank), (host + " " + server.getLocalPort()).getBytes(StandardCharsets.UTF_8));
            for (int peer = 0; peer < rank; peer++) {
                String[] at = new String(rendezvous.get(key(name, peer)), StandardCharsets.UTF_8).split(" ");
                Socket socket = new Socket();
                socket.connect(new InetSocketAddress(InetAddress.getByName(at[0]), Integer.parseInt(at[1])), millis(timeout));
                new DataOutputStream(socket.getOutputStream()).writeInt(rank);
                exchange.peers[peer] = exchange.new Peer(peer, socket);
            }
            server.setSoTimeout(millis(timeout));
            for (int joined = rank + 1; joined < size; joined++) {
                Socket socket = server.accept();
                int peer = new DataInputStream(socket.getInputStream()).readInt();
                exchange.peers[peer] = exchange.new Peer(peer, socket);
            }
        } catch (SocketTimeoutException e) {
            List<Integer> missing = new ArrayList<>();
            for (int r = 0; r < size; r++) {
                if (r != rank && exchange.peers[r] == null) {
                    missing.add(r);
                }
            }
            exchange.close();
            throw UserError.environment(name + ": rank " + rank + " waited " + timeout.toSeconds() + " s for rank(s) " + RankList.text(missing)
                    + " to join; are they running and is the network between the hosts open?");
        } catch (IOException e) {
            exchange.close();
            throw UserError.environment(name + ": rank " + rank + " cannot join: " + e.getMessage(), e);
        }
        for (Peer peer : exchange.peers) {
            if (peer != null) {
                peer.start();
            }
        }
        return exchange;
    }

    /** From now on calls wait this long for a peer; joining may need longer than a step. */
    SocketExchange withTimeout(Duration callTimeout) {
        this.timeout = callTimeout;
        return this;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return peers.length;
    }

    @Override
    public ByteBuffer[] gather(String operation, ByteBuffer mine) {
        byte[] bytes = bytes(mine);
        Frame own = new Frame(GATHER, operation, bytes);
        for (Peer peer : peers) {
            if (peer != null) {
                peer.outgoing.add(own);
            }
        }
        ByteBuffer[] all = new ByteBuffer[peers.length];
        for (int r = 0; r < peers.length; r++) {
            Frame frame = r == rank ? own : take(peers[r].gathers, operation, r);
            if (!frame.operation.equals(operation)) {
                String fault = name + ": rank " + rank + " is at '" + operation + "' while rank " + r + " is at '" + frame.operation
                        + "'; the ranks' programs have parted";
                abort(fault);
                throw UserError.environment(fault);
            }
            all[r] = ByteBuffer.wrap(frame.payload).order(ByteOrder.nativeOrder());
        }
        return all;
    }

    @Override
    public void release() {
        // Every rank has its own copies.
    }

    @Override
    public void send(int peer, ByteBuffer payload) {
        check();
        peers[peer].outgoing.add(new Frame(MESSAGE, "", bytes(payload)));
    }

    @Override
    public void receive(int peer, ByteBuffer into) {
        Frame frame = take(peers[peer].messages, "receive", peer);
        if (frame.payload.length != into.remaining()) {
            throw new IllegalStateException(name + ": rank " + rank + " expects " + into.remaining() + " bytes from rank " + peer
                    + ", which sent " + frame.payload.length);
        }
        into.put(frame.payload);
    }

    @Override
    public void abort(String cause) {
        if (failure == null) {
            failure = cause;
        }
        for (Peer peer : peers) {
            if (peer != null) {
                peer.outgoing.add(new Frame(ABORT, cause, new byte[0]));
            }
        }
    }

    @Override
    public void close() {
        for (Peer peer : peers) {
            if (peer != null) {
                peer.outgoing.add(Frame.END);
            }
        }
        // What this rank still owes its peers goes out before the connections close.
        for (Peer peer : peers) {
            if (peer != null) {
                peer.joinWriter();
            }
        }
        closed = true;
        for (Peer peer : peers) {
            if (peer != null) {
                peer.disconnect();
            }
        }
    }

    private Frame take(BlockingQueue<Frame> queue, String operation, int peer) {
        long deadline = System.nanoTime() + timeout.toNanos();
        try {
            while (true) {
                check();
                Frame frame = queue.poll(50, TimeUnit.MILLISECONDS);
                if (frame != null && frame.kind == ABORT) {
                    abort(frame.operation);
                    throw UserError.environment(frame.operation);
                }
                if (frame != null) {
                    return frame;
                }
                if (System.nanoTime() > deadline) {
                    String fault = name + ": " + operation + " on rank " + rank + " waited " + timeout.toSeconds() + " s for rank " + peer;
                    abort(fault);
                    throw UserError.environment(fault);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment(name + ": interrupted in " + operation);
        }
    }

    private void check() {
        if (failure != null) {
            throw UserError.environment(failure);
        }
    }

    private static String key(String name, int rank) {
        return "exchange/" + name + "/" + rank;
    }

    private static int millis(Duration timeout) {
        return Math.toIntExact(Math.min(Integer.MAX_VALUE, timeout.toMillis()));
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private record Frame(byte kind, String operation, byte[] payload) {
        static final Frame END = new Frame((byte) 0, "", new byte[0]);
    }

    private final class Peer {
        private final int number;
        private final Socket socket;
        private final BlockingQueue<Frame> outgoing = new LinkedBlockingQueue<>();
        private final BlockingQueue<Frame> gathers = new LinkedBlockingQueue<>();
        private final BlockingQueue<Frame> messages = new LinkedBlockingQueue<>();
        private Thread writer;

        Peer(int number, Socket socket) throws IOException {
            this.number = number;
            this.socket = socket;
            socket.setTcpNoDelay(true);
        }

        void start() {
            writer = daemon("write", this::write);
            daemon("read", this::read);
        }

        private Thread daemon(String what, Runnable work) {
            Thread thread = new Thread(work, name + "-" + what + "-" + number);
            thread.setDaemon(true);
            thread.start();
            return thread;
        }

        private void write() {
            try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16))) {
                while (true) {
                    Frame frame = outgoing.take();
                    if (frame == Frame.END) {
                        out.flush();
                        return;
                    }
                    out.writeByte(frame.kind);
                    out.writeUTF(frame.operation);
                    out.writeInt(frame.payload.length);
                    out.write(frame.payload);
                    if (outgoing.isEmpty()) {
                        out.flush();
                    }
                }
            } catch (IOException e) {
                lost(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void read() {
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16))) {
                while (true) {
                    byte kind = in.readByte();
                    String operation = in.readUTF();
                    byte[] payload = new byte[in.readInt()];
                    in.readFully(payload);
                    switch (kind) {
                        case GATHER -> gathers.add(new Frame(kind, operation, payload));
                        case MESSAGE -> messages.add(new Frame(kind, operation, payload));
                        default -> failure = failure == null ? operation : failure;
                    }
                }
            } catch (IOException | OutOfMemoryError e) {
                // Whoever waits for this peer must not wait for the time-out, and then blame it.
                lost(e);
            }
        }

        /** What the peer sent before it went is still read; its absence counts for whoever waits for more. */
        private void lost(Throwable e) {
            if (!closed) {
                String reason = e.getMessage() == null ? "connection closed" : e.getMessage();
                Frame gone = new Frame(ABORT, name + ": rank " + number + " is gone (" + reason + ")", new byte[0]);
                gathers.add(gone);
                messages.add(gone);
            }
        }

        void joinWriter() {
            if (writer == null) {
                return;
            }
            try {
                writer.join(millis(timeout));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        void disconnect() {
            try {
                socket.close();
            } catch (IOException e) {
                // Nothing depends on a connection that is being given up.
            }
        }
    }
}
