package org.longhaul.shards;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.longhaul.error.UserError;

/**
 * Writes one shard: {@code NAME.tokens.arrow}, {@code NAME.documents.arrow}, {@code NAME.sums.arrow} and {@code NAME.document-sums.arrow}. Memory use is a few MiB whatever the
 * shard's size. Not thread-safe.
 */
public final class ShardWriter implements Closeable {
    /** Largest token file, in bytes: what one mapping of 2 GiB certainly takes. */
    public static final long MAX_BYTES = 1L << 30;

    private static final int TOKENS_PER_BATCH = 1 << 20;
    private static final int DOCUMENTS_PER_BATCH = 1 << 14;

    /** Where the files go. */
    @FunctionalInterface
    public interface Sink {
        /** Opens a new file; the writer closes it. */
        OutputStream create(String name) throws IOException;
    }

    /** A finished shard: its manifest entry and how often every id occurs in it. */
    public record Result(ShardManifest.Shard shard, long[] tokenCounts) {}

    private final String name;
    private final TokenType type;
    private final int vocabularySize;
    private final ChecksumOutput tokenFile;
    private final ChecksumOutput documentFile;
    private final ChecksumOutput sumFile;
    private final ChecksumOutput documentSumFile;
    private final PageSummedOutput summedDocuments;
    private final ArrowOutput tokens;
    private final ArrowOutput documents;
    private final PageSumOutput sums;
    private final Map<String, Integer> sources = new LinkedHashMap<>();
    private final Map<String, Integer> languages = new LinkedHashMap<>();
    private final Map<String, Counts> perSource = new TreeMap<>();
    private final Map<String, Counts> perLanguage = new TreeMap<>();
    private final long[] tokenCounts;
    private Counts total = Counts.ZERO;

    /**
     * Starts a shard.
     *
     * @param name of the shard, such as {@code train-00003}
     */
    public ShardWriter(Sink sink, String name, int vocabularySize) throws IOException {
        this.name = name;
        this.type = TokenType.forVocabulary(vocabularySize);
        this.vocabularySize = vocabularySize;
        this.tokenCounts = new long[vocabularySize];
        tokenFile = new ChecksumOutput(sink.create(tokensName(name)), ShardManifest.DataFile.BLOCK_BYTES);
        documentFile = new ChecksumOutput(sink.create(documentsName(name)), ShardManifest.DataFile.BLOCK_BYTES);
        sumFile = new ChecksumOutput(sink.create(pageSumsName(name)), ShardManifest.DataFile.BLOCK_BYTES);
        sums = new PageSumOutput(sumFile);
        tokens = new ArrowOutput(tokenFile, Schemas.tokens(type), new int[] {type.bytes()}, TOKENS_PER_BATCH, sums::add);
        documentSumFile = new ChecksumOutput(sink.create(documentSumsName(name)), ShardManifest.DataFile.BLOCK_BYTES);
        summedDocuments = new PageSummedOutput(documentFile, new PageSumOutput(documentSumFile));
        documents = new ArrowOutput(summedDocuments, Schemas.documents(), Schemas.DOCUMENT_WIDTHS, DOCUMENTS_PER_BATCH);
    }

    /** Name of the token file of a shard. */
    public static String tokensName(String shard) {
        return shard + ".tokens.arrow";
    }

    /** Name of the document file of a shard. */
    public static String documentsName(String shard) {
        return shard + ".documents.arrow";
    }

    /** Name of the file with the checksums of a shard's token ids. */
    public static String pageSumsName(String shard) {
        return shard + ".sums.arrow";
    }

    /** Name of the file with the checksums of a shard's document file. */
    public static String documentSumsName(String shard) {
        return shard + ".document-sums.arrow";
    }

    /**
     * Appends a document.
     *
     * @param idHigh first 64 bits of the document id
     * @param idLow last 64 bits
     * @param textBytes length of the text in UTF-8
     * @param ids token ids, the closing end-of-document id included
     * @param count how many of {@code ids}
     * @throws UserError when the shard would pass {@link #MAX_BYTES}
     */
    public void add(long idHigh, long idLow, String source, String language, long textBytes, int[] ids, int count)
            throws IOException {
        if ((total.tokens() + count) * type.bytes() > MAX_BYTES - (1 << 20)) {
            throw UserError.badInput("shard " + name + " would pass 1 GiB; ask for smaller shards (output.shard_mib)");
        }
        documents.column(Schemas.START).putLong(total.tokens());
        documents.column(Schemas.LENGTH).putLong(count);
        // Big-endian, so that the 16 bytes read like the hexadecimal id.
        ByteBuffer id = documents.column(Schemas.ID).order(ByteOrder.BIG_ENDIAN);
        id.putLong(idHigh).putLong(idLow);
        documents.column(Schemas.TEXT_BYTES).putLong(textBytes);
        documents.column(Schemas.SOURCE).putInt(index(sources, source));
        documents.column(Schemas.LANGUAGE).putInt(index(languages, language));
        documents.endRow();
        putTokens(ids, count);
        Counts one = new Counts(1, count, textBytes);
        total = total.plus(one);
        perSource.merge(source, one, Counts::plus);
        perLanguage.merge(language, one, Counts::plus);
    }

    private void putTokens(int[] ids, int count) throws IOException {
        int at = 0;
        while (at < count) {
            int n = Math.min(count - at, tokens.room());
            ByteBuffer column = tokens.column(0);
            for (int i = at; i < at + n; i++) {
                int token = ids[i];
                if (token < 0 || token >= vocabularySize) {
                    throw new IllegalArgumentException("token " + token + " is outside the vocabulary of " + vocabularySize);
                }
                tokenCounts[token]++;
                if (type == TokenType.UINT16) {
                    column.putShort((short) token);
                } else {
                    column.putInt(token);
                }
            }
            tokens.endRow();
            at += n;
        }
    }

    private static int index(Map<String, Integer> dictionary, String value) {
        Integer known = dictionary.putIfAbsent(value, dictionary.size());
        return known == null ? dictionary.size() - 1 : known;
    }

    /** Completes and closes the files. */
    public Result finish() throws IOException {
        tokens.finish();
        documents.dictionary(Schemas.SOURCES, new ArrayList<>(sources.keySet()));
        documents.dictionary(Schemas.LANGUAGES, new ArrayList<>(languages.keySet()));
        documents.finish();
        summedDocuments.finish();
        sums.finish();
        close();
        return new Result(
                new ShardManifest.Shard(total, new TreeMap<>(perSource), new TreeMap<>(perLanguage),
                        tokenFile.finish(tokensName(name)), documentFile.finish(documentsName(name)),
                        sumFile.finish(pageSumsName(name)), documentSumFile.finish(documentSumsName(name))),
                tokenCounts.clone());
    }

    /** Closes the files; without {@link #finish()} before, they are unusable and to be deleted. */
    @Override
    public void close() throws IOException {
        try (tokenFile; documentFile; sumFile) {
            documentSumFile.close();
        }
    }
}
