package org.longhaul.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The value of a configuration key that the file leaves out, written as in YAML. Without it the key must be given. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Default {
    /** The value, in YAML, for instance {@code 0.95}, {@code [en, zh]} or {@code cosine}. */
    String value();
}
