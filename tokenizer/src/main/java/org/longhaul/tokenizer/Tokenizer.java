package org.longhaul.tokenizer;

import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.longhaul.error.UserError;

/**
 * Byte-level BPE: text to ids and back. The ids are those of Hugging Face's {@code tokenizers} for the same file, without the
 * tokens that a post-processor would add. Every byte string can be encoded and decodes to itself. Safe to use from many threads;
 * each thread has a word cache of its own.
 */
public final class Tokenizer {
    private final BpeModel model;
    private final AddedTokenMatcher matcher;
    private final Splitter splitter;
    private final ThreadLocal<WordCache> words;
    private final Map<String, Integer> ids = new HashMap<>();
    private final String fingerprint;
    private final boolean linear;

    Tokenizer(BpeModel model) {
        this.model = model;
        matcher = AddedTokenMatcher.of(model.added());
        splitter = model.preTokenizer().splitter();
        MergeRules rules = MergeRules.of(model);
        linear = rules != null;
        if (rules != null) {
            words = ThreadLocal.withInitial(() -> new WordCache(new BacktrackingEncoder(rules)));
        } else {
            LongIntMap ranks = RankEncoder.ranks(model);
            TokenTrie whole = RankEncoder.wholeTokens(model);
            words = ThreadLocal.withInitial(() -> new WordCache(new RankEncoder(model, ranks, whole)));
        }
        boolean[] added = model.addedIds();
        for (int id = 0; id < model.tokens().length; id++) {
            if (model.tokens()[id] != null && !added[id]) {
                ids.put(ByteLevel.spell(model.tokens()[id]), id);
            }
        }
        model.added().forEach(token -> ids.put(token.content(), token.id()));
        fingerprint = Fingerprint.of(model);
    }

    /** Reads a {@code tokenizer.json}, or the one in the folder given; {@link UserError} when it is not a byte-level BPE that is known. */
    public static Tokenizer load(Path tokenizerJson) {
        return new Tokenizer(TokenizerReader.read(tokenizerJson));
    }

    /** Reads tiktoken's rank file (base64 token, rank); closes the stream. */
    public static Tokenizer fromTiktoken(java.io.InputStream ranks, String name, PreTokenizer preTokenizer) throws java.io.IOException {
        return new Tokenizer(TiktokenReader.read(ranks, name, preTokenizer));
    }

    /** One more than the highest id in use, special tokens included; a model's embedding may be padded beyond. */
    public int vocabSize() {
        return model.tokens().length;
    }

    /** The id of a token as the file spells it: byte-level characters for ordinary tokens, plain text for added ones. */
    public Optional<Integer> id(String token) {
        return Optional.ofNullable(ids.get(token));
    }

    /** The bytes that a token stands for; {@link UserError} for an id that no token has. The array must not be changed. */
    public byte[] tokenBytes(int id) {
        if (id < 0 || id >= model.tokens().length || model.tokens()[id] == null) {
            throw UserError.badInput("token id " + id + " is not in the vocabulary (ids 0 to " + (vocabSize() - 1) + ")");
        }
        return model.tokens()[id];
    }

    /** Whether an id is in use: foreign vocabularies may have holes. */
    public boolean isToken(int id) {
        return id >= 0 && id < model.tokens().length && model.tokens()[id] != null;
    }

    /** The tokens that are found in text before pre-tokenization. */
    public List<AddedToken> addedTokens() {
        return model.added();
    }

    /** How text is cut before merges. */
    public PreTokenizer preTokenizer() {
        return model.preTokenizer();
    }

    /** Whether time and scratch memory are linear in the length of one piece; false for some foreign vocabularies (O(n log n)). */
    public boolean isLinear() {
        return linear;
    }

    /** The ids of a text; a lone surrogate counts as U+FFFD. */
    public int[] encode(String text) {
        return encode(Utf8.encode(text));
    }

    /** The ids of UTF-8 bytes, well-formed or not. Text that spells an added token becomes that token. */
    public int[] encode(byte[] utf8) {
        TokenBuffer out = new TokenBuffer(utf8.length / 2 + 16);
        encode(utf8, 0, utf8.length, out);
        return out.toArray();
    }

    /** Appends the ids of {@code utf8[from, to)} to {@code out}; allocates nothing once the buffers have grown. Returns how many. */
    public int encode(byte[] utf8, int from, int to, TokenBuffer out) {
        java.util.Objects.checkFromToIndex(from, to, utf8.length);
        int before = out.size;
        encode(words.get(), matcher, utf8, from, to, out);
        return out.size - before;
    }

    /** As {@link #encode(byte[], int, int, TokenBuffer)}, but text that spells a special token stays text: for input that is not trusted. */
    public int encodeOrdinary(byte[] utf8, int from, int to, TokenBuffer out) {
        java.util.Objects.checkFromToIndex(from, to, utf8.length);
        int before = out.size;
        encode(words.get(), null, utf8, from, to, out);
        return out.size - before;
    }

    /** As {@link #encode(String)}, but text that spells a special token stays text. */
    public int[] encodeOrdinary(String text) {
        byte[] utf8 = Utf8.encode(text);
        TokenBuffer out = new TokenBuffer(utf8.length / 2 + 16);
        encodeOrdinary(utf8, 0, utf8.length, out);
        return out.toArray();
    }

    /** Appends the ids of {@code utf8[from, to)} taken as one piece, without pre-tokenization. */
    public void encodePiece(byte[] utf8, int from, int to, TokenBuffer out) {
        java.util.Objects.checkFromToIndex(from, to, utf8.length);
        if (from < to) {
            words.get().encode(utf8, from, to, out);
        }
    }

    /**
     * The byte at which every token starts, and the length of the text at the end. White space that an added token strips belongs to
     * that token.
     *
     * @param ids what {@link #encode(byte[])} made of {@code utf8}
     */
    public int[] offsets(byte[] utf8, int[] ids) {
        return Offsets.of(this, utf8, ids);
    }

    private void encode(WordCache cache, AddedTokenMatcher added, byte[] text, int from, int to, TokenBuffer out) {
        if (added == null) {
            ordinary(cache, text, from, to, out);
            return;
        }
        int at = from;
        while (at < to) {
            int found = added.find(text, at, to);
            if (found == to) {
                break;
            }
            AddedToken token = added.tokenAt(text, found, to);
            int end = found + added.lengthAt(text, found, to);
            int start = token.stripLeft() ? AddedTokenMatcher.stripLeft(text, at, found) : found;
            encode(cache, added.inner, text, at, start, out);
            out.add(token.id());
            at = token.stripRight() ? AddedTokenMatcher.stripRight(text, end, to) : end;
        }
        encode(cache, added.inner, text, at, to, out);
    }

    private void ordinary(WordCache cache, byte[] text, int from, int to, TokenBuffer out) {
        Splitter pieces = splitter;
        try {
            for (int at = from; at < to; ) {
                int end = pieces.next(text, at, to);
                cache.encode(text, at, end, out);
                at = end;
            }
        } catch (MissingByteException e) {
            throw UserError.badInput(String.format("byte 0x%02X at offset %d: the vocabulary has no token for it;"
                    + " use a tokenizer whose alphabet has all 256 bytes", e.missing, e.at - from));
        }
    }

    /** The bytes of the ids, one after the other. */
    public byte[] decode(int[] ids) {
        return decode(ids, 0, ids.length);
    }

    /** The bytes of {@code ids[from, to)}. */
    public byte[] decode(int[] ids, int from, int to) {
        long length = 0;
        for (int i = from; i < to; i++) {
            if (!isToken(ids[i])) {
                throw UserError.badInput("token id " + ids[i] + " at position " + i + " is not in the vocabulary (ids 0 to "
                        + (vocabSize() - 1) + ")");
            }
            length += model.tokens()[ids[i]].length;
        }
        byte[] bytes = new byte[Math.toIntExact(length)];
        int at = 0;
        for (int i = from; i < to; i++) {
            byte[] token = model.tokens()[ids[i]];
            System.arraycopy(token, 0, bytes, at, token.length);
            at += token.length;
        }
        return bytes;
    }

    /** A decoder for ids that come one at a time. */
    public StreamingDecoder streamingDecoder() {
        return new StreamingDecoder(this);
    }

    /** SHA-256, in hexadecimal, of everything that ids depend on: tokens, merges, pre-tokenizer, added tokens. */
    public String fingerprint() {
        return fingerprint;
    }

    /** The id of the begin-of-sentence token, where the files name one. */
    public OptionalInt beginOfSentence() {
        return model.beginOfSentence() < 0 ? OptionalInt.empty() : OptionalInt.of(model.beginOfSentence());
    }

    /**
     * The id that the files put in front of every text when special tokens are asked for, as transformers and vLLM do with a prompt: by
     * {@code add_bos_token} of tokenizer_config.json, else by the post-processor of tokenizer.json. Documents of a data set begin with it.
     */
    public OptionalInt textPrefix() {
        return model.textPrefix() < 0 ? OptionalInt.empty() : OptionalInt.of(model.textPrefix());
    }

    /** The id that ends a document; {@link UserError} when the file names none. */
    public int endOfSentence() {
        return required(model.endOfSentence(), "end-of-sentence", "eos_token");
    }

    private static int required(int id, String what, String key) {
        if (id < 0) {
            throw UserError.badInput("this tokenizer has no " + what + " token: name it as " + key
                    + " in tokenizer_config.json beside tokenizer.json");
        }
        return id;
    }

    BpeModel model() {
        return model;
    }
}
