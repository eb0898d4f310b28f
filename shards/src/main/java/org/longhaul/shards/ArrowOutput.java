package org.longhaul.shards;

import com.google.flatbuffers.FlatBufferBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * Writes an Arrow IPC file of fixed-width columns without nulls. Every buffer starts at a multiple of 64 bytes from the
 * start of the file and nothing is compressed, so that the file can be used as mapped memory. Arrow's own Java writer
 * aligns to 8 bytes and holds a whole batch off the heap; this one needs one batch of plain byte arrays.
 */
final class ArrowOutput {
    static final byte[] MAGIC = "ARROW1".getBytes(StandardCharsets.US_ASCII);
    static final int ALIGNMENT = 64;
    private static final int CONTINUATION = 0xFFFFFFFF;

    private final OutputStream out;
    private final Schema schema;
    private final int[] widths;
    private final int batchRows;
    private final ByteBuffer[] columns;
    private final List<long[]> dictionaries = new ArrayList<>();
    private final List<long[]> batches = new ArrayList<>();
    private final Values first;
    private long position;

    /** Receives the values of a column as they are written, a batch at a time. */
    @FunctionalInterface
    interface Values {
        void written(byte[] values, int length) throws IOException;
    }

    ArrowOutput(OutputStream out, Schema schema, int[] widths, int batchRows) throws IOException {
        this(out, schema, widths, batchRows, (values, length) -> {});
    }

    /** @param first is told what the first column holds */
    ArrowOutput(OutputStream out, Schema schema, int[] widths, int batchRows, Values first) throws IOException {
        this.out = out;
        this.first = first;
        this.schema = schema;
        this.widths = widths.clone();
        this.batchRows = batchRows;
        this.columns = new ByteBuffer[widths.length];
        for (int c = 0; c < widths.length; c++) {
            columns[c] = ByteBuffer.allocate(Math.multiplyExact(batchRows, widths[c])).order(ByteOrder.LITTLE_ENDIAN);
        }
        put(MAGIC, MAGIC.length);
        pad(8);
        FlatBufferBuilder builder = new FlatBufferBuilder();
        int header = schema.getSchema(builder);
        message(builder, MessageHeader.Schema, header, 0);
    }

    /** The buffer of a column: append exactly one value to each, then call {@link #endRow()}. */
    ByteBuffer column(int index) {
        return columns[index];
    }

    /** Rows that still fit into the batch, for bulk appends to a single column. */
    int room() {
        return batchRows - rows();
    }

    void endRow() throws IOException {
        if (rows() == batchRows) {
            flush();
        }
    }

    private int rows() {
        return columns[0].position() / widths[0];
    }

    private void flush() throws IOException {
        int rows = rows();
        if (rows == 0) {
            return;
        }
        long[] lengths = new long[columns.length];
        for (int c = 0; c < columns.length; c++) {
            if (columns[c].position() != rows * widths[c]) {
                throw new IllegalStateException("column " + c + " has " + columns[c].position() / widths[c] + " of " + rows + " rows");
            }
            lengths[c] = columns[c].position();
        }
        FlatBufferBuilder builder = new FlatBufferBuilder();
        int[] nodes = new int[columns.length];
        long[][] buffers = new long[columns.length * 2][];
        long offset = 0;
        for (int c = 0; c < columns.length; c++) {
            nodes[c] = rows;
            buffers[2 * c] = new long[] {offset, 0};
            buffers[2 * c + 1] = new long[] {offset, lengths[c]};
            offset += align(lengths[c]);
        }
        int header = recordBatch(builder, rows, nodes, buffers);
        long start = position;
        int metadata = message(builder, MessageHeader.RecordBatch, header, offset);
        first.written(columns[0].array(), columns[0].position());
        for (ByteBuffer column : columns) {
            put(column.array(), column.position());
            pad(ALIGNMENT);
            column.clear();
        }
        batches.add(new long[] {start, metadata, offset});
    }

    /** Writes the strings that the indices of a dictionary column mean; the file form allows this after their use. */
    void dictionary(long id, List<String> values) throws IOException {
        flush();
        ByteBuffer offsets = ByteBuffer.allocate(4 * (values.size() + 1)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] text = String.join("", values).getBytes(StandardCharsets.UTF_8);
        int end = 0;
        offsets.putInt(0);
        for (String value : values) {
            end += value.getBytes(StandardCharsets.UTF_8).length;
            offsets.putInt(end);
        }
        FlatBufferBuilder builder = new FlatBufferBuilder();
        long textAt = align(offsets.capacity());
        long body = textAt + align(text.length);
        int data = recordBatch(builder, values.size(), new int[] {values.size()},
                new long[][] {{0, 0}, {0, offsets.capacity()}, {textAt, text.length}});
        int header = DictionaryBatch.createDictionaryBatch(builder, id, data, false);
        long start = position;
        int metadata = message(builder, MessageHeader.DictionaryBatch, header, body);
        put(offsets.array(), offsets.capacity());
        pad(ALIGNMENT);
        put(text, text.length);
        pad(ALIGNMENT);
        dictionaries.add(new long[] {start, metadata, body});
    }

    /** Writes what is buffered and the footer; the stream stays open. */
    void finish() throws IOException {
        flush();
        ByteBuffer end = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(CONTINUATION).putInt(0);
        put(end.array(), 8);
        FlatBufferBuilder builder = new FlatBufferBuilder();
        int schemaAt = schema.getSchema(builder);
        Footer.startDictionariesVector(builder, dictionaries.size());
        int dictionariesAt = blocks(builder, dictionaries);
        Footer.startRecordBatchesVector(builder, batches.size());
        int batchesAt = blocks(builder, batches);
        Footer.startFooter(builder);
        Footer.addVersion(builder, MetadataVersion.V5);
        Footer.addSchema(builder, schemaAt);
        Footer.addDictionaries(builder, dictionariesAt);
        Footer.addRecordBatches(builder, batchesAt);
        builder.finish(Footer.endFooter(builder));
        byte[] footer = builder.sizedByteArray();
        put(footer, footer.length);
        put(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(footer.length).array(), 4);
        put(MAGIC, MAGIC.length);
    }

    private static int blocks(FlatBufferBuilder builder, List<long[]> blocks) {
        for (int i = blocks.size() - 1; i >= 0; i--) {
            long[] block = blocks.get(i);
            Block.createBlock(builder, block[0], (int) block[1], block[2]);
        }
        return builder.endVector();
    }

    private static int recordBatch(FlatBufferBuilder builder, long rows, int[] nodes, long[][] buffers) {
        RecordBatch.startNodesVector(builder, nodes.length);
        for (int i = nodes.length - 1; i >= 0; i--) {
            FieldNode.createFieldNode(builder, nodes[i], 0);
        }
        int nodesAt = builder.endVector();
        RecordBatch.startBuffersVector(builder, buffers.length);
        for (int i = buffers.length - 1; i >= 0; i--) {
            Buffer.createBuffer(builder, buffers[i][0], buffers[i][1]);
        }
        int buffersAt = builder.endVector();
        RecordBatch.startRecordBatch(builder);
        RecordBatch.addLength(builder, rows);
        RecordBatch.addNodes(builder, nodesAt);
        RecordBatch.addBuffers(builder, buffersAt);
        return RecordBatch.endRecordBatch(builder);
    }

    /** Writes an encapsulated message whose body will start at a multiple of 64; answers its length with the prefix. */
    private int message(FlatBufferBuilder builder, byte type, int header, long bodyLength) throws IOException {
        Message.startMessage(builder);
        Message.addVersion(builder, MetadataVersion.V5);
        Message.addHeaderType(builder, type);
        Message.addHeader(builder, header);
        Message.addBodyLength(builder, bodyLength);
        builder.finish(Message.endMessage(builder));
        byte[] bytes = builder.sizedByteArray();
        int padded = (int) (align(position + 8 + bytes.length) - position - 8);
        put(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(CONTINUATION).putInt(padded).array(), 8);
        put(bytes, bytes.length);
        put(new byte[padded - bytes.length], padded - bytes.length);
        return padded + 8;
    }

    private static long align(long length) {
        return (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private void pad(int multiple) throws IOException {
        int rest = (int) ((multiple - position % multiple) % multiple);
        put(new byte[rest], rest);
    }

    private void put(byte[] bytes, int length) throws IOException {
        out.write(bytes, 0, length);
        position += length;
    }
}
