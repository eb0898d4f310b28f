package org.longhaul.tokenizer;

/** A byte of the text that the vocabulary has no token for; foreign vocabularies may be so, ours never are. */
final class MissingByteException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final int missing;
    final int at;

    MissingByteException(int missing, int at) {
        this.missing = missing;
        this.at = at;
    }
}
