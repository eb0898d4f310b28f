package org.longhaul.parallel;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What a meeting came to, as one value of the {@link Rendezvous}: which of the outcomes that the meeting knows, and what belongs to it. */
public record Verdict(byte kind, byte[] content) {

    /** An outcome with words for people. */
    public Verdict(byte kind, String words) {
        this(kind, words.getBytes(StandardCharsets.UTF_8));
    }

    /** The verdict that a value holds. */
    public static Verdict of(byte[] value) {
        return new Verdict(value[0], Arrays.copyOfRange(value, 1, value.length));
    }

    /** The value that holds this verdict. */
    public byte[] value() {
        byte[] value = new byte[content.length + 1];
        value[0] = kind;
        System.arraycopy(content, 0, value, 1, content.length);
        return value;
    }

    /** Its words. */
    public String words() {
        return new String(content, StandardCharsets.UTF_8);
    }
}
