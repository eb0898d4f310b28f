package org.longhaul.doctor;

import java.nio.file.Path;
import java.util.List;

/** Something that {@code longhaul doctor} looks at; modules contribute theirs through {@link java.util.ServiceLoader}. */
public interface DoctorCheck {
    /** Where its findings stand in the report: machine 0–99, engine 100–199, Spark 200–299, optional tools 300 and more. */
    int order();

    /** Looks. Must not throw for anything that the machine lacks: that is a finding. */
    List<Finding> look();

    /** Looks at what a training job names: its configuration's file and overrides of it. Must not throw either. */
    default List<Finding> look(Path config, List<String> overrides) {
        return List.of();
    }

    /** Reads what is to be verified, whole, and tells each file that is not as it should be. Must not throw either. */
    default List<Finding> verify(Verification wanted) {
        return List.of();
    }
}
