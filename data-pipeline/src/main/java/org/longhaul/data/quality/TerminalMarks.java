package org.longhaul.data.quality;

/** Characters that end a sentence. */
enum TerminalMarks {
    /** The five of the original C4 and FineWeb: full stop, question mark, exclamation mark, both straight quotes. */
    LATIN(".?!\"'"),
    /** These and the sentence ends of other scripts, typographic closing quotes included. */
    UNICODE(".?!\"'" + "\u2026\u203C\u203D\u2047\u2048\u2049\u201D\u2019\u00BB\u203A\u3002\uFF0E\uFF01\uFF1F\uFF61\u300D\u300F\uFE52"
            + "\uFE56\uFE57\u0589\u061D\u061E\u061F\u06D4\u0700\u0701\u0702\u07F9\u0837\u0839\u083D\u083E\u0964\u0965\u104A\u104B\u1362"
            + "\u1367\u1368\u166E\u1735\u1736\u17D4\u17D5\u1803\u1809\u1944\u1945\u1AA8\u1AA9\u1AAA\u1AAB\u1B5A\u1B5B\u1B5E\u1B5F\u1C3B"
            + "\u1C3C\u1C7E\u1C7F\u2E2E\u2E3C\uA4FF\uA60E\uA60F\uA6F3\uA6F7\uA876\uA877\uA8CE\uA8CF\uA92F\uA9C8\uA9C9\uAA5D\uAA5E\uAA5F"
            + "\uAAF0\uAAF1\uABEB\u0E2F\u0E5A\u0E5B\u0F0D\u0F0E");

    private final String marks;

    TerminalMarks(String marks) {
        this.marks = marks;
    }

    /** Whether the last character of a line is one. */
    boolean ends(String line) {
        return !line.isEmpty() && marks.indexOf(line.charAt(line.length() - 1)) >= 0;
    }
}
