package org.longhaul.parallel;

import java.time.Duration;
import java.util.List;
import org.longhaul.tensor.HostBackend;

class InProcessCommunicatorTest extends CommunicatorContract {
    @Override
    List<Communicator> group(List<HostBackend> backends, Duration timeout) {
        return HostCommunicator.inProcess("test", backends, timeout);
    }
}
