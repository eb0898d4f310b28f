package org.longhaul.shards;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * An Arrow IPC file of fixed-width columns as mapped memory: finds where each column's values lie and copies nothing.
 * All record batches but the last must be equally long, so that a row is found by one division.
 */
final class ArrowMap {
    private static final String UNEQUAL = "has record batches of different lengths; write it with Longhaul, or copy it again";

    private final Path file;
    private final MappedByteBuffer map;
    private final int[] widths;
    private final int rowsPerBatch;
    private final long rows;
    private final int[][] offsets;
    private final Block[] blocks;
    private final PageGuard guard;
    /** What was read before there was a check: begin and end of each piece. */
    private final List<long[]> unchecked = new ArrayList<>();
    private volatile boolean opened;
    private final List<List<String>> dictionaries = new ArrayList<>();

    /**
     * Maps a file and reads its footer and batch headers.
     *
     * @param expected the schema that the file must have
     * @param widths bytes of a value of each column
     * @throws UserError naming the file when it is missing, cut, or of another schema
     */
    ArrowMap(Path file, Schema expected, int[] widths) {
        this(file, expected, widths, null);
    }

    /** The same, with what {@link #at} leads to held against its checksums, and the headers that lead there; null checks nothing. */
    ArrowMap(Path file, Schema expected, int[] widths, PageGuard guard) {
        this.file = file;
        this.guard = guard;
        this.widths = widths.clone();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size > Integer.MAX_VALUE) {
                throw broken("is larger than 2 GiB; Longhaul writes shards of at most 1 GiB");
            }
            if (size < 32) {
                throw broken("is cut: only " + size + " bytes");
            }
            map = channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
        } catch (java.nio.file.NoSuchFileException e) {
            throw UserError.badInput(file + ": file is missing", e);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e), e);
        }
        map.order(ByteOrder.LITTLE_ENDIAN);
        try {
            Footer footer = footer();
            Schema schema = Schema.convertSchema(footer.schema());
            if (!schema.getFields().equals(expected.getFields())) {
                throw broken("has columns " + schema.getFields() + ", expected " + expected.getFields());
            }
            int batches = footer.recordBatchesLength();
            if (batches < 0 || batches > map.limit() / 24) {
                throw broken("has a damaged Arrow footer");
            }
            offsets = new int[widths.length][batches];
            blocks = new Block[batches];
            for (int b = 0; b < batches; b++) {
                blocks[b] = footer.recordBatches(b);
            }
            // The headers of batches between the first and the last are read when their rows are: a data set of terabytes has millions.
            int first = batches == 0 ? 0 : readBatch(0);
            int last = batches == 0 ? 0 : readBatch(batches - 1);
            if (last > first) {
                throw broken(UNEQUAL);
            }
            rows = batches == 0 ? 0 : (long) first * (batches - 1) + last;
            rowsPerBatch = Math.max(1, first);
            if (batches > 0) {
                unchecked(blocks[0], false);
                unchecked(blocks[batches - 1], false);
            }
            for (int d = 0; d < footer.dictionariesLength(); d++) {
                unchecked(footer.dictionaries(d), true);
                dictionaries.add(readDictionary(footer.dictionaries(d)));
            }
        } catch (UserError e) {
            throw e;
        } catch (RuntimeException | AssertionError e) {
            throw unreadable(e);
        }
    }

    // The flatbuffer accessors throw all kinds of these when they follow damaged offsets.
    private UserError unreadable(Throwable e) {
        return UserError.badInput(file + ": not a readable Arrow file (damaged header or footer); verify the data set and copy the file again", e);
    }

    private UserError broken(String what) {
        return UserError.badInput(file + ": " + what);
    }

    private Footer footer() {
        int size = map.limit();
        byte[] magic = new byte[ArrowOutput.MAGIC.length];
        map.get(0, magic);
        boolean head = java.util.Arrays.equals(magic, ArrowOutput.MAGIC);
        map.get(size - magic.length, magic);
        if (!head || !java.util.Arrays.equals(magic, ArrowOutput.MAGIC)) {
            throw broken(head ? "is cut: the Arrow footer is missing" : "is not an Arrow IPC file");
        }
        int length = map.getInt(size - magic.length - 4);
        int start = size - magic.length - 4 - length;
        if (length <= 0 || start < 8) {
            throw broken("has a damaged Arrow footer");
        }
        unchecked.add(new long[] {start, size});
        return Footer.getRootAsFooter(map.slice(start, length).order(ByteOrder.LITTLE_ENDIAN));
    }

    private void unchecked(Block block, boolean body) {
        unchecked.add(new long[] {block.offset(), block.offset() + block.metaDataLength() + (body ? block.bodyLength() : 0)});
    }

    private Message message(Block block, byte type) {
        int at = Math.toIntExact(block.offset());
        Message message = Message.getRootAsMessage(
                map.slice(at + 8, block.metaDataLength() - 8).order(ByteOrder.LITTLE_ENDIAN));
        if (message.headerType() != type) {
            throw broken("has a damaged block at byte " + at);
        }
        return message;
    }

    private int body(Block block) {
        return Math.toIntExact(block.offset() + block.metaDataLength());
    }

    private int readBatch(int index) {
        Block block = blocks[index];
        RecordBatch batch = (RecordBatch) message(block, MessageHeader.RecordBatch).header(new RecordBatch());
        if (batch.compression() != null) {
            throw broken("is compressed; shards must be uncompressed to be mapped");
        }
        int length = Math.toIntExact(batch.length());
        for (int c = 0; c < widths.length; c++) {
            Buffer values = batch.buffers(2 * c + 1);
            long start = body(block) + values.offset();
            if (values.length() < (long) length * widths[c] || start + values.length() > map.limit() || start % widths[c] % 8 != 0) {
                throw broken("has a damaged block at byte " + block.offset());
            }
            offsets[c][index] = Math.toIntExact(start);
        }
        return length;
    }

    private List<String> readDictionary(Block block) {
        DictionaryBatch batch = (DictionaryBatch) message(block, MessageHeader.DictionaryBatch).header(new DictionaryBatch());
        RecordBatch data = batch.data();
        int offsetsAt = Math.toIntExact(body(block) + data.buffers(1).offset());
        int textAt = Math.toIntExact(body(block) + data.buffers(2).offset());
        List<String> values = new ArrayList<>();
        for (int i = 0; i < data.length(); i++) {
            int from = map.getInt(offsetsAt + 4 * i);
            // The slice fails on a damaged length before memory is asked for.
            ByteBuffer text = map.slice(textAt + from, map.getInt(offsetsAt + 4 * i + 4) - from);
            values.add(StandardCharsets.UTF_8.decode(text).toString());
        }
        return List.copyOf(values);
    }

    Path file() {
        return file;
    }

    /** What to tell of a mapping that the system could not read. */
    UserError unreadable(InternalError e) {
        requireSize();
        return UserError.environment(file + ": cannot be read: its disk or file system fails; mend it, or copy the file to another one", e);
    }

    /** Throws UserError when the file has not the size any more that it was opened with. */
    void requireSize() {
        try {
            long size = Files.size(file);
            if (size != map.limit()) {
                throw UserError.badInput(file + ": has " + size + " bytes, it had " + map.limit() + " when it was opened: it was cut or replaced while in use; copy it again");
            }
        } catch (IOException e) {
            throw UserError.environment(file + ": cannot be read any more: " + Reason.of(e) + "; mount its file system again, or copy it again", e);
        }
    }

    long rows() {
        return rows;
    }

    int rowsPerBatch() {
        return rowsPerBatch;
    }

    /** The whole file, little-endian; use absolute reads only. */
    ByteBuffer bytes() {
        return map;
    }

    /** Strings of the n-th dictionary of the file. */
    List<String> dictionary(int index) {
        return dictionaries.get(index);
    }

    /** Byte position in the file of a value, which is held against its checksum where the file has any. */
    int at(int column, long row) {
        if (guard == null) {
            return place(column, row);
        }
        if (!opened) {
            unchecked.forEach(piece -> guard.require(this, piece[0], piece[1]));
            opened = true;
        }
        int at = place(column, row);
        guard.require(this, at, at + widths[column]);
        return at;
    }

    /** The same, not checked. */
    int place(int column, long row) {
        if (row < 0 || row >= rows) {
            throw new IndexOutOfBoundsException("row " + row + " of " + rows + " in " + file);
        }
        int batch = (int) (row / rowsPerBatch);
        int start = offsets[column][batch];
        // Several threads may find nothing there yet: they write the same numbers. No column begins at the start of a file.
        return (start != 0 ? start : late(column, batch)) + (int) (row % rowsPerBatch) * widths[column];
    }

    private int late(int column, int batch) {
        try {
            if (guard != null) {
                guard.require(this, blocks[batch].offset(), blocks[batch].offset() + blocks[batch].metaDataLength());
            }
            if (readBatch(batch) != rowsPerBatch) {
                throw broken(UNEQUAL);
            }
            return offsets[column][batch];
        } catch (UserError e) {
            throw e;
        } catch (RuntimeException | AssertionError e) {
            throw unreadable(e);
        }
    }
}
