package org.longhaul.profile;

/** The parts of a step, opened and closed like brackets by the thread that runs it. */
public interface Phases {
    /** Nobody looks. */
    Phases NONE = new Phases() {
        @Override
        public boolean on() {
            return false;
        }

        @Override
        public void open(String name) {
            // Nobody looks.
        }

        @Override
        public void close() {
            // Nobody looks.
        }
    };

    /** Whether anybody looks; names that have to be put together are not worth it otherwise. */
    boolean on();

    /** Begins a part. */
    void open(String name);

    /** Ends the innermost part. */
    void close();
}
