package org.longhaul.shards;

import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import org.longhaul.error.UserError;

/**
 * One split of a data set as a single stream of token ids over all its shards, mapped and not copied. Positions and
 * document numbers run through the whole split. Reads from several threads are safe.
 */
public final class TokenSplit {
    private final String name;
    private final ShardManifest.Split manifest;
    private final int vocabularySize;
    private final List<TokenShard> shards;
    private final List<DocumentTable> tables;
    private final long[] tokenStarts;
    private final long[] documentStarts;

    TokenSplit(String name, ShardManifest.Split manifest, int vocabularySize, List<TokenShard> shards, List<DocumentTable> tables) {
        this.name = name;
        this.manifest = manifest;
        this.vocabularySize = vocabularySize;
        this.shards = List.copyOf(shards);
        this.tables = List.copyOf(tables);
        this.tokenStarts = new long[shards.size() + 1];
        this.documentStarts = new long[shards.size() + 1];
        for (int i = 0; i < shards.size(); i++) {
            tokenStarts[i + 1] = tokenStarts[i] + shards.get(i).tokens();
            documentStarts[i + 1] = documentStarts[i] + tables.get(i).documents();
        }
    }

    /** Number of tokens, end-of-document tokens included. */
    public long tokens() {
        return tokenStarts[shards.size()];
    }

    /** Number of documents. */
    public long documents() {
        return documentStarts[shards.size()];
    }

    /** UTF-8 bytes of the text that the tokens stand for: the denominator of bits per byte. */
    public long bytes() {
        return manifest.total().bytes();
    }

    /** Number of ids of the vocabulary. */
    public int vocabSize() {
        return vocabularySize;
    }

    /** Entropy of the split's token distribution, in nats per token. */
    public double unigramEntropy() {
        return manifest.unigramEntropy();
    }

    /** Counts by source name. */
    public SortedMap<String, Counts> sources() {
        return manifest.sources();
    }

    /** Counts by language code. */
    public SortedMap<String, Counts> languages() {
        return manifest.languages();
    }

    /**
     * Copies token ids [{@code position}, {@code position + count}) to {@code target[offset…]}, across shards.
     *
     * @throws IndexOutOfBoundsException when the split does not hold that many
     * @throws UserError naming file and tokens where they do not match their checksum, or an id lies outside the vocabulary
     */
    public void read(long position, int[] target, int offset, int count) {
        if (position < 0 || count < 0 || position + count > tokens()) {
            throw new IndexOutOfBoundsException("tokens " + position + " … " + (position + count) + " of " + tokens() + " in split " + name);
        }
        int shard = count == 0 ? 0 : find(tokenStarts, position);
        for (int done = 0; done < count; shard++) {
            long from = position + done - tokenStarts[shard];
            int n = (int) Math.min(count - done, shards.get(shard).tokens() - from);
            try {
                shards.get(shard).copy(from, n, target, offset + done);
            } catch (InternalError e) {
                // What the virtual machine makes of a page fault that the system could not serve.
                throw shards.get(shard).unreadable(e);
            }
            check(shards.get(shard), from, target, offset + done, n);
            done += n;
        }
    }

    /** Operations take an id beyond the vocabulary for another rank's part of it: training would learn nothing, without a word. */
    private void check(TokenShard shard, long from, int[] ids, int offset, int count) {
        for (int i = 0; i < count; i++) {
            int id = ids[offset + i];
            if (id < 0 || id >= vocabularySize) {
                throw UserError.badInput(shard.file() + ": token " + (from + i) + " has the id " + Integer.toUnsignedString(id)
                        + ", beyond the vocabulary of " + vocabularySize + ": the file is damaged; "
                        + "copy it again (`longhaul data inspect " + shard.file().toAbsolutePath().getParent() + " --verify` names all damage)");
            }
        }
    }

    /** Position in the split of a document's first token. */
    public long documentStart(long document) {
        int shard = find(documentStarts, document);
        return tokenStarts[shard] + tables.get(shard).start(document - documentStarts[shard]);
    }

    /** Tokens of a document, its end-of-document token included. */
    public long documentLength(long document) {
        int shard = find(documentStarts, document);
        return tables.get(shard).length(document - documentStarts[shard]);
    }

    /** UTF-8 bytes of a document's text. */
    public long documentBytes(long document) {
        int shard = find(documentStarts, document);
        return tables.get(shard).textBytes(document - documentStarts[shard]);
    }

    /** A document's id as 32 hexadecimal digits. */
    public String documentId(long document) {
        int shard = find(documentStarts, document);
        return tables.get(shard).id(document - documentStarts[shard]);
    }

    /** The source that a document came from. */
    public String documentSource(long document) {
        int shard = find(documentStarts, document);
        return tables.get(shard).source(document - documentStarts[shard]);
    }

    /** Language code of a document. */
    public String documentLanguage(long document) {
        int shard = find(documentStarts, document);
        return tables.get(shard).language(document - documentStarts[shard]);
    }

    /** Receives how many tokens of a document lie in a range, and where the document came from. */
    public interface OriginSink {
        /** Some tokens of one document. */
        void add(String source, String language, long tokens);
    }

    /** Tells for each document that has tokens in [{@code position}, {@code position + count}) how many, in order. */
    public void origins(long position, long count, OriginSink sink) {
        if (position < 0 || count < 0 || position + count > tokens()) {
            throw new IndexOutOfBoundsException("tokens " + position + " … " + (position + count) + " of " + tokens() + " in split " + name);
        }
        int shard = count == 0 ? 0 : find(tokenStarts, position);
        for (long at = position; at < position + count; shard++) {
            DocumentTable table = tables.get(shard);
            long end = Math.min(position + count, tokenStarts[shard + 1]) - tokenStarts[shard];
            long from = at - tokenStarts[shard];
            long document = from < end ? table.documentAt(from) : 0;
            for (long start = from < end ? table.start(document) : 0; from < end; document++) {
                start = table.end(document, start);
                long to = Math.min(end, start);
                sink.add(table.source(document), table.language(document), to - from);
                from = to;
            }
            at = tokenStarts[shard] + end;
        }
    }

    /**
     * Writes for each of {@code count} tokens from {@code position} how far behind {@code position} its document begins, 0 for one that
     * began before, to {@code starts[offset…]}.
     *
     * @throws IndexOutOfBoundsException when the split does not hold that many
     */
    public void documentStarts(long position, int[] starts, int offset, int count) {
        if (position < 0 || count < 0 || position + count > tokens()) {
            throw new IndexOutOfBoundsException("tokens " + position + " … " + (position + count) + " of " + tokens() + " in split " + name);
        }
        int shard = count == 0 ? 0 : find(tokenStarts, position);
        for (int done = 0; done < count; shard++) {
            DocumentTable table = tables.get(shard);
            long origin = tokenStarts[shard] - position;
            int end = (int) Math.min(count, tokenStarts[shard + 1] - position);
            long document = done < end ? table.documentAt(done - origin) : 0;
            for (long start = done < end ? table.start(document) : 0; done < end; document++) {
                int from = (int) Math.max(0, origin + start);
                start = table.end(document, start);
                int to = (int) Math.min(end, origin + start);
                Arrays.fill(starts, offset + done, offset + Math.max(done, to), from);
                done = Math.max(done, to);
            }
        }
    }

    /** The document that holds a token position. */
    public long documentAt(long position) {
        int shard = find(tokenStarts, position);
        return documentStarts[shard] + tables.get(shard).documentAt(position - tokenStarts[shard]);
    }

    /** The non-empty shard that holds an element. */
    private int find(long[] starts, long element) {
        if (element < 0 || element >= starts[starts.length - 1]) {
            throw new IndexOutOfBoundsException(element + " of " + starts[starts.length - 1] + " in split " + name);
        }
        int at = Arrays.binarySearch(starts, element);
        int shard = at >= 0 ? at : -at - 2;
        while (starts[shard + 1] == element) {
            shard++; // empty shards share their start with the next one
        }
        return shard;
    }
}
