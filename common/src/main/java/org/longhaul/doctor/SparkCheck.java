package org.longhaul.doctor;

import java.util.List;

/** Whether the data pipeline and Spark are on the class path: the bundle for GPU nodes leaves them out. */
public final class SparkCheck implements DoctorCheck {
    @Override
    public int order() {
        return 200;
    }

    @Override
    public List<Finding> look() {
        // By resource, not by class: loading Spark's classes only to see that they are there takes a second.
        boolean there = Finding.class.getClassLoader().getResource("org/apache/spark/sql/SparkSession.class") != null;
        return List.of(there ? Finding.ok("Spark", "on the class path: 'longhaul data run' works here")
                : Finding.ok("Spark", "not part of this installation: it trains, 'longhaul data run' needs the full one"));
    }
}
