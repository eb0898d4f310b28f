package org.longhaul.tokenizer;

/** Positions of tokens in the bytes they were made of. */
final class Offsets {
    private Offsets() {}

    static int[] of(Tokenizer tokenizer, byte[] utf8, int[] ids) {
        boolean[] added = tokenizer.model().addedIds();
        int[] starts = new int[ids.length + 1];
        int at = 0;
        for (int i = 0; i < ids.length; i++) {
            starts[i] = at;
            at += added[ids[i]] ? addedLength(tokenizer, utf8, at, ids[i]) : tokenizer.tokenBytes(ids[i]).length;
        }
        if (at != utf8.length) {
            throw new IllegalArgumentException("the ids cover " + at + " of " + utf8.length + " bytes: they are not of this text");
        }
        starts[ids.length] = at;
        return starts;
    }

    private static int addedLength(Tokenizer tokenizer, byte[] utf8, int at, int id) {
        for (AddedToken token : tokenizer.addedTokens()) {
            if (token.id() == id) {
                int start = token.stripLeft() ? AddedTokenMatcher.stripRight(utf8, at, utf8.length) : at;
                int end = start + token.content().getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
                return (token.stripRight() ? AddedTokenMatcher.stripRight(utf8, end, utf8.length) : end) - at;
            }
        }
        throw new IllegalStateException("id " + id + " is not an added token");
    }
}
