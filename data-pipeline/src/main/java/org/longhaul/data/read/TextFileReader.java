package org.longhaul.data.read;

import java.io.IOException;
import java.io.InputStream;

/** A plain text file: one document. */
final class TextFileReader extends QueueReader {
    private final String source;
    private final InputStream in;
    private final int maxBytes;
    private long read;

    TextFileReader(String file, String source, InputStream in, ReadSettings settings) {
        super(file);
        this.source = source;
        this.in = in;
        this.maxBytes = settings.maxRecordBytes();
    }

    @Override
    boolean advance() throws IOException {
        byte[] bytes = in.readNBytes(maxBytes + 1);
        read = bytes.length;
        if (bytes.length > maxBytes) {
            problem(
                    Position.START,
                    ReadProblem.Kind.RECORD_TOO_LARGE,
                    "the file has more than max_record_bytes = " + maxBytes + "; skipped");
            return false;
        }
        if (bytes.length == 0) {
            return false;
        }
        Utf8.Decoded text = Utf8.decode(bytes, 0, bytes.length);
        if (text.text().isBlank()) {
            problem(Position.START, ReadProblem.Kind.NO_TEXT, "the file has no text; skipped");
            return false;
        }
        String id = file.substring(file.lastIndexOf('/') + 1);
        emit(new InputRecord(
                file, Position.START, id, source, "", "", new InputRecord.Text(text.text()), text.repairs()));
        return false;
    }

    @Override
    Position position() {
        return new Position(read, 0);
    }

    @Override
    long bytesRead() {
        return read;
    }

    @Override
    void release() throws IOException {
        in.close();
    }
}
