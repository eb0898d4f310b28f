package org.longhaul.natives;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.tensor.StepMeter;

/** Measures a stream with pairs of timing events: one around the stretch, one around each wait within. */
public final class CudaStepMeter implements StepMeter {
    private final CudaStream stream;
    private final List<CudaEvent> events = new ArrayList<>();
    private int used;
    private boolean measuring;

    /** Nothing is recorded before {@link #begin}. */
    public CudaStepMeter(CudaStream stream) {
        this.stream = stream;
    }

    @Override
    public void begin() {
        used = 0;
        measuring = true;
        stream.meter(this);
        mark();
        mark();
    }

    @Override
    public void end() {
        stream.meter(null);
        measuring = false;
        event(1).record(stream);
    }

    /** A wait begins, or ends, behind what is enqueued so far. */
    void mark() {
        CudaEvent event = event(used++);
        event.record(stream);
    }

    private CudaEvent event(int i) {
        while (events.size() <= i) {
            events.add(CudaEvent.create(true));
        }
        return events.get(i);
    }

    @Override
    public Reading read() {
        double waiting = 0;
        for (int i = 2; i + 1 < used; i += 2) {
            waiting += events.get(i + 1).millisecondsSince(events.get(i)) / 1e3;
        }
        return new Reading(events.get(1).millisecondsSince(events.get(0)) / 1e3, waiting);
    }

    @Override
    public void close() {
        if (measuring) {
            stream.meter(null);
        }
        events.forEach(CudaEvent::close);
    }
}
