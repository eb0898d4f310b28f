package org.longhaul.data.job;

import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/** The columns of the job's Parquet files. */
final class Tables {
    /** Documents that passed the per-document rules, with what deduplication needs. */
    static final MessageType DOCUMENTS = MessageTypeParser.parseMessageType("""
            message document {
              required int64 id_high;
              required int64 id_low;
              required int32 part;
              required int32 row;
              required int32 rank;
              required int32 length;
              required binary source (UTF8);
              required binary language (UTF8);
              required binary url (UTF8);
              required binary text (UTF8);
              required int64 text_bytes;
              required int64 exact_high;
              required int64 exact_low;
              required binary bands;
              required binary file (UTF8);
              required binary position (UTF8);
            }""");

    /** What of a document the later per-part stages read. */
    static final MessageType TEXTS = MessageTypeParser.parseMessageType("""
            message document {
              required int64 id_high;
              required int64 id_low;
              required int32 row;
              required binary source (UTF8);
              required binary language (UTF8);
              required binary text (UTF8);
              required int64 text_bytes;
              required int64 exact_high;
              required int64 exact_low;
              required binary file (UTF8);
              required binary position (UTF8);
            }""");

    /** One row for every decision about a document or a record. */
    static final MessageType DECISIONS = MessageTypeParser.parseMessageType("""
            message decision {
              required binary id (UTF8);
              required binary source (UTF8);
              required binary language (UTF8);
              required binary stage (UTF8);
              required boolean keep;
              required binary reason (UTF8);
              required double score;
              required int64 bytes;
              required binary file (UTF8);
              required binary position (UTF8);
              required binary excerpt (UTF8);
            }""");

    /** What of a document deduplication reads. */
    static final MessageType DIGESTS = MessageTypeParser.parseMessageType("""
            message document {
              required int64 id_high;
              required int64 id_low;
              required int32 part;
              required int32 row;
              required int32 rank;
              required int32 length;
              required int64 exact_high;
              required int64 exact_low;
              required binary bands;
            }""");

    /** Documents that deduplication removes, and kept documents that stand for a cluster; optional as Spark writes columns. */
    static final MessageType DUPLICATES = MessageTypeParser.parseMessageType("""
            message duplicate {
              optional int32 row;
              optional int64 id_high;
              optional int64 id_low;
              optional boolean keep;
              optional binary reason (UTF8);
              optional int64 keeper_high;
              optional int64 keeper_low;
              optional int64 cluster_size;
            }""");

    /** Documents that hang together with others, and the smallest id of their cluster. */
    static final MessageType CLUSTERS = MessageTypeParser.parseMessageType("""
            message cluster {
              required int64 id_high;
              required int64 id_low;
              required int64 root_high;
              required int64 root_low;
            }""");

    /** Tokenised documents. */
    static final MessageType TOKENS = MessageTypeParser.parseMessageType("""
            message tokens {
              required int64 id_high;
              required int64 id_low;
              required binary source (UTF8);
              required binary language (UTF8);
              required boolean validation;
              required int32 copies;
              required int64 text_bytes;
              required binary ids;
            }""");

    private Tables() {}
}
