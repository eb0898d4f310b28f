package org.longhaul.data.job;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.io.api.Binary;
import org.longhaul.shards.TokenType;
import org.longhaul.tokenizer.TokenBuffer;
import org.longhaul.tokenizer.Tokenizer;

/** Applies deduplication, remix and split to one part, tokenises what stays, and logs the final decision about every document. */
final class TokenTask {
    static final String FILE = "tokens.parquet";
    static final String DEDUP = "dedup";
    static final String REMIX = "remix";

    private final DataConfig config;
    private final double weight;
    private final Tokenizer tokenizer;
    private final OptionalInt beginOfDocument;
    private final int endOfDocument;
    private final TokenType type;
    private final DocumentStats stats = new DocumentStats();
    private final TokenBuffer buffer = new TokenBuffer();
    private long trainTokens;
    private long validationTokens;
    private long trainDocuments;
    private long validationDocuments;

    TokenTask(DataConfig config, String input, Tokenizer tokenizer) {
        this.config = config;
        this.weight = config.inputs().get(input).weight();
        this.tokenizer = tokenizer;
        this.beginOfDocument = tokenizer.textPrefix();
        this.endOfDocument = tokenizer.endOfSentence();
        this.type = TokenType.forVocabulary(tokenizer.vocabSize());
    }

    void run(Configuration conf, StageFolder stage, int part, KeptTexts texts, String digest) throws IOException {
        Path folder = stage.begin(part);
        try (Rows.Writer out = new Rows.Writer(conf, new Path(folder, FILE), Tables.TOKENS);
                DecisionLog decisions = new DecisionLog(conf, folder, stats, config.output().excerptChars())) {
            texts.forEach(entry -> accept(entry, out, decisions));
        }
        ObjectNode marker = Json.MAPPER.createObjectNode();
        marker.set("documents", Json.MAPPER.valueToTree(stats));
        marker.put("train_tokens", trainTokens).put("validation_tokens", validationTokens);
        marker.put("train_documents", trainDocuments).put("validation_documents", validationDocuments);
        stage.commit(part, folder, digest, marker);
    }

    private void accept(KeptTexts.Entry entry, Rows.Writer out, DecisionLog decisions) throws IOException {
        Live.DOCUMENTS.increment();
        if (!entry.reason().isEmpty()) {
            decisions.add(decision(entry, DEDUP, false, entry.reason(), entry.clusterSize(), 0), entry.text());
            return;
        }
        boolean validation = validation(config, entry);
        int copies = Remix.copies(config.seed(), weight, entry.idHigh(), entry.idLow());
        if (copies == 0) {
            decisions.add(decision(entry, REMIX, false, "down_sampled", weight, 0), entry.text());
            return;
        }
        // Repeating validation documents would only weigh them differently.
        copies = validation ? 1 : copies;
        byte[] utf8 = entry.text().getBytes(StandardCharsets.UTF_8);
        buffer.clear();
        beginOfDocument.ifPresent(buffer::add);
        tokenizer.encodeOrdinary(utf8, 0, utf8.length, buffer);
        buffer.add(endOfDocument);
        Live.KEPT.increment();
        Live.BYTES.add(utf8.length);
        write(entry, validation, copies, out);
        if (validation) {
            validationTokens += buffer.size();
            validationDocuments++;
        } else {
            trainTokens += (long) buffer.size() * copies;
            trainDocuments += copies;
        }
        decisions.add(decision(entry, DecisionLog.KEPT, true, validation ? "validation" : "train", entry.clusterSize(), buffer.size()), entry.text());
    }

    private void write(KeptTexts.Entry entry, boolean validation, int copies, Rows.Writer out) throws IOException {
        ByteBuffer ids = ByteBuffer.allocate(buffer.size() * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < buffer.size(); i++) {
            if (type == TokenType.UINT16) {
                ids.putShort((short) buffer.id(i));
            } else {
                ids.putInt(buffer.id(i));
            }
        }
        Group row = out.row();
        row.append("id_high", entry.idHigh()).append("id_low", entry.idLow()).append("source", entry.source())
                .append("language", entry.language()).append("validation", validation).append("copies", copies)
                .append("text_bytes", entry.textBytes()).append("ids", Binary.fromConstantByteArray(ids.array()));
        out.write(row);
    }

    /** Equal texts fall into the same split even where exact duplicates are allowed to stay. */
    static boolean validation(DataConfig config, KeptTexts.Entry entry) {
        return Remix.validation(config.seed(), config.validationFraction(), entry.exactHigh(), entry.exactLow());
    }

    private static DecisionLog.Decision decision(KeptTexts.Entry entry, String stage, boolean keep, String reason, double score, long tokens) {
        return new DecisionLog.Decision(entry.id(), entry.source(), entry.language(), stage, keep, reason, score, entry.textBytes(),
                tokens, entry.file(), entry.position());
    }
}
