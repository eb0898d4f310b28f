package org.longhaul.checkpoint;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of Amazon S3's protocol that Hadoop's client speaks, over HTTP, objects in memory: whole and ranged reads, plain and multipart
 * uploads (plain and aws-chunked bodies), listings with delimiter and continuation, single and bulk deletes. An object appears when its upload
 * ends. There is no copying, so nothing that relies on a rename works.
 */
public final class S3Server implements AutoCloseable {
    private static final int PAGE = 7;
    private static final Pattern KEY = Pattern.compile("<Key>([^<]*)</Key>");

    private final HttpServer server;
    private final NavigableMap<String, byte[]> objects = new ConcurrentSkipListMap<>();
    private final Map<String, Upload> uploads = new TreeMap<>();
    private final AtomicInteger uploadIds = new AtomicInteger();
    private volatile boolean refusing;
    private volatile boolean down;
    private volatile int multipartUploads;

    private record Upload(String path, NavigableMap<Integer, byte[]> parts) {}

    /** Listens on a free port. */
    public S3Server() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread t = new Thread(task, "s3-server");
            t.setDaemon(true);
            return t;
        }));
        server.createContext("/", this::answer);
        server.start();
    }

    /** Where it listens. */
    public String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** From now on uploads are refused, or taken again. */
    public void refuse(boolean uploadsToo) {
        refusing = uploadsToo;
    }

    /** From now on every connection is cut without an answer, or served again. */
    public void down(boolean noAnswers) {
        down = noAnswers;
    }

    /** Paths, bucket/key, of multipart uploads that were neither completed nor given up. */
    public List<String> openUploads() {
        synchronized (uploads) {
            return uploads.values().stream().map(Upload::path).toList();
        }
    }

    /** Objects by bucket/key. */
    public NavigableMap<String, byte[]> objects() {
        return objects;
    }

    /** Multipart uploads completed so far. */
    public int multipartUploads() {
        return multipartUploads;
    }

    private void answer(HttpExchange x) throws IOException {
        try (x) {
            if (down) {
                return;
            }
            byte[] body = body(x);
            String path = x.getRequestURI().getPath().substring(1);
            Map<String, String> query = query(x.getRequestURI().getRawQuery());
            boolean bucket = !path.contains("/") || path.endsWith("/") && path.indexOf('/') == path.length() - 1;
            switch (x.getRequestMethod()) {
                case "GET" -> {
                    if (query.containsKey("uploads")) {
                        listUploads(x, path.replace("/", ""), query.getOrDefault("prefix", ""));
                    } else if (bucket) {
                        list(x, path.replace("/", ""), query);
                    } else {
                        get(x, path, true);
                    }
                }
                case "HEAD" -> {
                    if (bucket) {
                        send(x, 200, "");
                    } else {
                        get(x, path, false);
                    }
                }
                case "PUT" -> put(x, path, query, body);
                case "POST" -> post(x, path, query, new String(body, StandardCharsets.UTF_8));
                case "DELETE" -> {
                    if (query.containsKey("uploadId")) {
                        synchronized (uploads) {
                            uploads.remove(query.get("uploadId"));
                        }
                    } else {
                        objects.remove(path);
                    }
                    send(x, 204, "");
                }
                default -> send(x, 405, "");
            }
        } catch (RuntimeException e) {
            throw new IOException(e);
        }
    }

    private void put(HttpExchange x, String path, Map<String, String> query, byte[] body) throws IOException {
        if (refusing) {
            error(x, 403, "AccessDenied");
        } else if (x.getRequestHeaders().containsKey("x-amz-copy-source")) {
            error(x, 501, "NotImplemented");
        } else if (query.containsKey("uploadId")) {
            synchronized (uploads) {
                Upload upload = uploads.get(query.get("uploadId"));
                if (upload == null) {
                    error(x, 404, "NoSuchUpload");
                    return;
                }
                upload.parts.put(Integer.parseInt(query.get("partNumber")), body);
            }
            x.getResponseHeaders().set("ETag", etag(body));
            send(x, 200, "");
        } else {
            objects.put(path, body);
            x.getResponseHeaders().set("ETag", etag(body));
            send(x, 200, "");
        }
    }

    private void post(HttpExchange x, String path, Map<String, String> query, String body) throws IOException {
        String bucket = path.contains("/") ? path.substring(0, path.indexOf('/')) : path;
        if (query.containsKey("delete")) {
            StringBuilder deleted = new StringBuilder("<DeleteResult>");
            for (Matcher m = KEY.matcher(body); m.find();) {
                objects.remove(bucket + "/" + m.group(1));
                deleted.append("<Deleted><Key>").append(m.group(1)).append("</Key></Deleted>");
            }
            send(x, 200, deleted + "</DeleteResult>");
        } else if (query.containsKey("uploads")) {
            String id = "upload-" + uploadIds.incrementAndGet();
            synchronized (uploads) {
                uploads.put(id, new Upload(path, new TreeMap<>()));
            }
            send(x, 200, "<InitiateMultipartUploadResult><Bucket>" + bucket + "</Bucket><Key>" + path.substring(bucket.length() + 1) + "</Key><UploadId>" + id
                    + "</UploadId></InitiateMultipartUploadResult>");
        } else {
            ByteArrayOutputStream whole = new ByteArrayOutputStream();
            synchronized (uploads) {
                Upload upload = uploads.remove(query.get("uploadId"));
                if (upload == null) {
                    error(x, 404, "NoSuchUpload");
                    return;
                }
                for (byte[] part : upload.parts.values()) {
                    whole.write(part);
                }
                multipartUploads++;
            }
            objects.put(path, whole.toByteArray());
            send(x, 200, "<CompleteMultipartUploadResult><Bucket>" + bucket + "</Bucket><Key>" + path.substring(bucket.length() + 1) + "</Key><ETag>"
                    + etag(whole.toByteArray()) + "</ETag></CompleteMultipartUploadResult>");
        }
    }

    private void get(HttpExchange x, String path, boolean withBody) throws IOException {
        byte[] object = objects.get(path);
        if (object == null) {
            error(x, 404, "NoSuchKey");
            return;
        }
        int from = 0;
        int to = object.length;
        String range = x.getRequestHeaders().getFirst("Range");
        if (range != null) {
            String[] ends = range.substring("bytes=".length()).split("-");
            from = Integer.parseInt(ends[0]);
            to = ends.length > 1 ? Math.min(to, Integer.parseInt(ends[1]) + 1) : to;
            if (from >= object.length) {
                error(x, 416, "InvalidRange");
                return;
            }
            x.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + object.length);
        }
        x.getResponseHeaders().set("ETag", etag(object));
        x.getResponseHeaders().set("Last-Modified", "Mon, 23 Nov 2026 12:00:00 GMT");
        x.getResponseHeaders().set("Accept-Ranges", "bytes");
        if (withBody) {
            x.sendResponseHeaders(range == null ? 200 : 206, to == from ? -1 : to - from);
            x.getResponseBody().write(object, from, to - from);
        } else {
            x.getResponseHeaders().set("Content-Length", Integer.toString(object.length));
            x.sendResponseHeaders(200, -1);
        }
    }

    private void list(HttpExchange x, String bucket, Map<String, String> query) throws IOException {
        String prefix = query.getOrDefault("prefix", "");
        String delimiter = query.getOrDefault("delimiter", "");
        String after = query.getOrDefault("continuation-token", query.getOrDefault("start-after", ""));
        int most = Math.min(PAGE, Integer.parseInt(query.getOrDefault("max-keys", "1000")));
        StringBuilder entries = new StringBuilder();
        Set<String> folders = new LinkedHashSet<>();
        int count = 0;
        String last = "";
        boolean more = false;
        for (Map.Entry<String, byte[]> e : objects.tailMap(bucket + "/" + prefix, true).entrySet()) {
            String key = e.getKey().substring(bucket.length() + 1);
            if (!e.getKey().startsWith(bucket + "/" + prefix)) {
                break;
            }
            int end = delimiter.isEmpty() ? -1 : key.indexOf(delimiter, prefix.length());
            String shown = end < 0 ? key : key.substring(0, end + 1);
            if (shown.compareTo(after) <= 0 || folders.contains(shown)) {
                continue;
            }
            if (count == most) {
                more = true;
                break;
            }
            count++;
            last = shown;
            if (end >= 0) {
                folders.add(shown);
                entries.append("<CommonPrefixes><Prefix>").append(shown).append("</Prefix></CommonPrefixes>");
            } else {
                entries.append("<Contents><Key>").append(key).append("</Key><LastModified>2026-11-23T12:00:00.000Z</LastModified><ETag>").append(etag(e.getValue()))
                        .append("</ETag><Size>").append(e.getValue().length).append("</Size><StorageClass>STANDARD</StorageClass></Contents>");
            }
        }
        send(x, 200, "<ListBucketResult><Name>" + bucket + "</Name><Prefix>" + prefix + "</Prefix><KeyCount>" + count + "</KeyCount><MaxKeys>" + most
                + "</MaxKeys><IsTruncated>" + more + "</IsTruncated>" + (more ? "<NextContinuationToken>" + last + "</NextContinuationToken>" : "") + entries
                + "</ListBucketResult>");
    }

    private void listUploads(HttpExchange x, String bucket, String prefix) throws IOException {
        StringBuilder entries = new StringBuilder();
        synchronized (uploads) {
            uploads.forEach((id, upload) -> {
                if (upload.path.startsWith(bucket + "/" + prefix)) {
                    entries.append("<Upload><Key>").append(upload.path.substring(bucket.length() + 1)).append("</Key><UploadId>").append(id)
                            .append("</UploadId><StorageClass>STANDARD</StorageClass><Initiated>2026-11-23T12:00:00.000Z</Initiated></Upload>");
                }
            });
        }
        send(x, 200, "<ListMultipartUploadsResult><Bucket>" + bucket + "</Bucket><Prefix>" + prefix + "</Prefix><MaxUploads>1000</MaxUploads>"
                + "<IsTruncated>false</IsTruncated>" + entries + "</ListMultipartUploadsResult>");
    }

    private static byte[] body(HttpExchange x) throws IOException {
        byte[] raw = x.getRequestBody().readAllBytes();
        String encoding = x.getRequestHeaders().getFirst("x-amz-content-sha256");
        if (encoding == null || !encoding.startsWith("STREAMING")) {
            return raw;
        }
        // aws-chunked: hexadecimal length, extensions, bytes; trailers with checksums follow the chunk of length 0.
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        InputStream in = new java.io.ByteArrayInputStream(raw);
        while (true) {
            StringBuilder line = new StringBuilder();
            for (int c = in.read(); c != '\n' && c >= 0; c = in.read()) {
                line.append((char) c);
            }
            int length = Integer.parseInt(line.toString().strip().split(";")[0], 16);
            if (length == 0) {
                return out.toByteArray();
            }
            out.write(in.readNBytes(length));
            in.readNBytes(2);
        }
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new HashMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&")) {
            int equals = pair.indexOf('=');
            query.put(equals < 0 ? pair : pair.substring(0, equals), equals < 0 ? "" : URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return query;
    }

    private static String etag(byte[] bytes) {
        try {
            return '"' + HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes)) + '"';
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(Base64.getEncoder().encodeToString(bytes), e);
        }
    }

    private static void error(HttpExchange x, int status, String code) throws IOException {
        send(x, status, x.getRequestMethod().equals("HEAD") ? "" : "<Error><Code>" + code + "</Code><Message>" + code + "</Message></Error>");
    }

    private static void send(HttpExchange x, int status, String xml) throws IOException {
        byte[] bytes = xml.getBytes(StandardCharsets.UTF_8);
        x.getResponseHeaders().set("Content-Type", "application/xml");
        x.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            x.getResponseBody().write(bytes);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
