package org.longhaul.data.read;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import org.netpreserve.jwarc.HttpResponse;
import org.netpreserve.jwarc.MediaType;
import org.netpreserve.jwarc.MessageBody;
import org.netpreserve.jwarc.ParsingException;
import org.netpreserve.jwarc.WarcConversion;
import org.netpreserve.jwarc.WarcReader;
import org.netpreserve.jwarc.WarcRecord;
import org.netpreserve.jwarc.WarcResource;
import org.netpreserve.jwarc.WarcResponse;
import org.netpreserve.jwarc.WarcTargetRecord;

/**
 * WARC 1.0/1.1: HTML pages of {@code response} and {@code resource} records, plain text of {@code conversion} records (WET).
 * The other record types are counted and passed over.
 */
final class WarcFileReader extends QueueReader {
    private final String source;
    private final ReadSettings settings;
    private final CountingStream in;
    private WarcReader reader;
    private Position recordStart = Position.START;

    WarcFileReader(String file, String source, InputStream in, ReadSettings settings) {
        super(file);
        this.source = source;
        this.settings = settings;
        this.in = new CountingStream(in);
    }

    @Override
    boolean advance() throws IOException {
        if (reader == null) {
            if (in.atEnd()) {
                return false;
            }
            reader = new WarcReader(in);
            reader.setLenient(true);
        }
        Optional<WarcRecord> next;
        try {
            next = reader.next();
        } catch (EOFException e) {
            recordStart = new Position(in.count, 0);
            throw e;
        } catch (ParsingException e) {
            recordStart = new Position(Math.max(recordStart.offset(), reader.position()), 0);
            throw new IOException("no WARC record header: " + e.getMessage(), e);
        }
        if (next.isEmpty()) {
            return false;
        }
        WarcRecord record = next.get();
        recordStart = new Position(reader.position(), 0);
        try {
            read(record);
        } catch (ParsingException e) {
            problem(recordStart, ReadProblem.Kind.MALFORMED_RECORD, e.getMessage() + "; skipped");
        }
        return true;
    }

    private void read(WarcRecord record) throws IOException {
        if (record instanceof WarcResponse response && isHttp(response)) {
            readResponse(response);
        } else if (record instanceof WarcConversion conversion) {
            readPlain(conversion, conversion.body(), conversion.contentType(), "");
        } else if (record instanceof WarcResource resource) {
            readPlain(resource, resource.body(), resource.contentType(), header(resource, "Content-Type"));
        } else {
            other(record.type());
        }
    }

    private static boolean isHttp(WarcResponse response) {
        String type = header(response, "Content-Type").toLowerCase(Locale.ROOT);
        return type.isEmpty() || type.startsWith("application/http");
    }

    private void readResponse(WarcResponse response) throws IOException {
        HttpResponse http = response.http();
        if (http.status() != 200) {
            problem(recordStart, ReadProblem.Kind.HTTP_STATUS, "HTTP status " + http.status() + "; skipped");
            return;
        }
        String contentType = http.headers().first("Content-Type").orElse("");
        MediaType type = response.identifiedPayloadType().orElseGet(() -> MediaType.parseLeniently(contentType));
        if (!isHtml(type) && !isPlain(type)) {
            problem(recordStart, ReadProblem.Kind.CONTENT_TYPE, "content type " + type.base() + "; skipped");
            return;
        }
        byte[] bytes = readAll(http.bodyDecoded());
        if (bytes != null) {
            emitBytes(response, bytes, contentType, isHtml(type));
        }
    }

    private void readPlain(WarcTargetRecord record, MessageBody body, MediaType type, String contentType)
            throws IOException {
        if (!isHtml(type) && !isPlain(type)) {
            problem(recordStart, ReadProblem.Kind.CONTENT_TYPE, "content type " + type.base() + "; skipped");
            return;
        }
        byte[] bytes = readAll(body);
        if (bytes != null) {
            emitBytes(record, bytes, contentType, isHtml(type));
        }
    }

    private void emitBytes(WarcTargetRecord record, byte[] bytes, String contentType, boolean html) {
        InputRecord.Body body;
        int repairs = 0;
        if (html) {
            body = new InputRecord.Html(bytes, contentType);
        } else {
            Utf8.Decoded text = Utf8.decode(bytes, 0, bytes.length);
            if (text.text().isBlank()) {
                problem(recordStart, ReadProblem.Kind.NO_TEXT, "the record has no text; skipped");
                return;
            }
            body = new InputRecord.Text(text.text());
            repairs = text.repairs();
        }
        String id = header(record, "WARC-Record-ID");
        emit(new InputRecord(
                file,
                recordStart,
                id.isEmpty() ? JsonlReader.fallbackId(file, recordStart) : id,
                source,
                "",
                header(record, "WARC-Target-URI"),
                body,
                repairs));
    }

    /** The body, or null after a problem was emitted because it is too large. */
    private byte[] readAll(MessageBody body) throws IOException {
        byte[] bytes = body.stream().readNBytes(settings.maxRecordBytes() + 1);
        if (bytes.length > settings.maxRecordBytes()) {
            problem(
                    recordStart,
                    ReadProblem.Kind.RECORD_TOO_LARGE,
                    "the record has more than max_record_bytes = " + settings.maxRecordBytes() + "; skipped");
            return null;
        }
        return bytes;
    }

    private static String header(WarcRecord record, String name) {
        return record.headers().first(name).orElse("");
    }

    private static boolean isHtml(MediaType type) {
        String name = type.base().toString().toLowerCase(Locale.ROOT);
        return name.equals("text/html") || name.equals("application/xhtml+xml");
    }

    private static boolean isPlain(MediaType type) {
        return type.base().toString().equalsIgnoreCase("text/plain");
    }

    @Override
    Position position() {
        return recordStart;
    }

    @Override
    long bytesRead() {
        return in.count;
    }

    @Override
    void release() throws IOException {
        in.close();
    }

    /** Counts bytes and can tell an empty stream before the WARC parser calls it malformed. */
    private static final class CountingStream extends InputStream {
        private final InputStream in;
        private int first = -2;
        private long count;

        CountingStream(InputStream in) {
            this.in = in;
        }

        boolean atEnd() throws IOException {
            first = in.read();
            return first < 0;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (first >= 0) {
                target[offset] = (byte) first;
                first = -2;
                count++;
                return 1;
            }
            int n = in.read(target, offset, length);
            count += Math.max(n, 0);
            return n;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
