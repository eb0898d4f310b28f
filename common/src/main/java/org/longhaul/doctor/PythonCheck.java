package org.longhaul.doctor;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Optional: Python with pyarrow, which some tests use to read shards as a stranger would. */
public final class PythonCheck implements DoctorCheck {
    @Override
    public int order() {
        return 300;
    }

    @Override
    public List<Finding> look() {
        return List.of(report(Tool.run(Duration.ofSeconds(20), List.of("python3", "-c", "import pyarrow; print(pyarrow.__version__)"))));
    }

    static Finding report(Optional<Tool.Answer> answer) {
        if (answer.isEmpty()) {
            return Finding.ok("Python", "not here; nothing needs it");
        }
        return answer.get().status() == 0 ? Finding.ok("Python", "pyarrow " + answer.get().text() + " (optional)")
                : Finding.ok("Python", "without pyarrow; nothing needs it");
    }
}
