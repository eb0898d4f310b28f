package org.longhaul.bench;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaEvent;

/** Moments in an ordered queue of work, read after the work is done. */
interface Marks extends AutoCloseable {
    /** Notes the moment when all work enqueued so far is done; answers its number, from 0. */
    int mark();

    /** Milliseconds from mark 0 to each mark; waits for the work. */
    double[] milliseconds();

    @Override
    void close();

    /** CUDA events on the compute stream. */
    static Marks of(CudaBackend backend) {
        List<CudaEvent> events = new ArrayList<>();
        return new Marks() {
            @Override
            public int mark() {
                CudaEvent event = backend.device().event();
                event.record(backend.computeStream());
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

    /** The host's clock, for backends whose work is done when a call returns. */
    static Marks ofHost() {
        List<Long> times = new ArrayList<>();
        return new Marks() {
            @Override
            public int mark() {
                times.add(System.nanoTime());
                return times.size() - 1;
            }

            @Override
            public double[] milliseconds() {
                return times.stream().mapToDouble(t -> (t - times.get(0)) / 1e6).toArray();
            }

            @Override
            public void close() {
                times.clear();
            }
        };
    }
}
