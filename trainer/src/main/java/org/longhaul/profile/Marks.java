package org.longhaul.profile;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaStream;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;

/** Moments in ordered queues of work, read after the work is done. */
public interface Marks extends AutoCloseable {
    /** Notes the moment when all work enqueued so far on a stream is done; answers its number, from 0. */
    int mark(Stream stream);

    /** Milliseconds from mark 0 to each mark; waits for the work. */
    double[] milliseconds();

    @Override
    void close();

    /** Fit for a device: CUDA events on a GPU, else the host's clock when the stream gets there. */
    static Marks of(Backend backend) {
        return backend instanceof CudaBackend gpu ? events(gpu) : ofHost(backend::synchronize);
    }

    private static Marks events(CudaBackend backend) {
        List<CudaEvent> events = new ArrayList<>();
        return new Marks() {
            @Override
            public int mark(Stream stream) {
                CudaEvent event = backend.device().event();
                event.record((CudaStream) stream);
                events.add(event);
                return events.size() - 1;
            }

            @Override
            public double[] milliseconds() {
                backend.synchronize();
                double[] t = new double[events.size()];
                for (int i = 1; i < t.length; i++) {
                    t[i] = events.get(i).millisecondsSince(events.get(0));
                }
                return t;
            }

            @Override
            public void close() {
                events.forEach(CudaEvent::close);
                events.clear();
            }
        };
    }

    /** The host's clock; {@code wait} returns when all work is done. */
    static Marks ofHost(Runnable wait) {
        List<long[]> times = new ArrayList<>();
        return new Marks() {
            @Override
            public int mark(Stream stream) {
                long[] time = new long[1];
                times.add(time);
                stream.run(() -> time[0] = System.nanoTime());
                return times.size() - 1;
            }

            @Override
            public double[] milliseconds() {
                wait.run();
                return times.stream().mapToDouble(t -> (t[0] - times.get(0)[0]) / 1e6).toArray();
            }

            @Override
            public void close() {
                times.clear();
            }
        };
    }
}
