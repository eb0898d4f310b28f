package org.longhaul.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.error.UserError;

/**
 * Reads tiktoken's rank files: a base64 token and its rank on every line. Such a file states no merges; the last merge of a token is found by
 * encoding its bytes with the lower ranks alone, which leaves two parts.
 */
final class TiktokenReader {
    private TiktokenReader() {}

    static BpeModel read(InputStream in, String name, PreTokenizer preTokenizer) throws IOException {
        List<byte[]> tokens = new ArrayList<>();
        Map<ByteBuffer, Integer> ranks = new HashMap<>();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            int number = 1;
            for (String line = lines.readLine(); line != null; line = lines.readLine(), number++) {
                if (!line.isBlank()) {
                    add(line, name + ": line " + number, tokens, ranks);
                }
            }
        }
        return model(tokens.toArray(new byte[0][]), ranks, name, preTokenizer);
    }

    private static void add(String line, String where, List<byte[]> tokens, Map<ByteBuffer, Integer> ranks) {
        String[] parts = line.trim().split(" ");
        try {
            byte[] token = Base64.getDecoder().decode(parts[0]);
            int rank = Integer.parseInt(parts[1]);
            while (tokens.size() <= rank) {
                tokens.add(null);
            }
            if (tokens.get(rank) != null || ranks.put(ByteBuffer.wrap(token), rank) != null) {
                throw UserError.badInput(where + ": rank " + rank + " or its token is given twice");
            }
            tokens.set(rank, token);
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw UserError.badInput(where + " is not a base64 token and a rank", e);
        }
    }

    private static BpeModel model(byte[][] tokens, Map<ByteBuffer, Integer> ranks, String name, PreTokenizer preTokenizer) {
        int[] byteIds = new int[256];
        for (int b = 0; b < 256; b++) {
            byteIds[b] = ranks.getOrDefault(ByteBuffer.wrap(new byte[] {(byte) b}), -1);
        }
        List<int[]> merges = new ArrayList<>();
        for (int rank = 0; rank < tokens.length; rank++) {
            if (tokens[rank] != null && tokens[rank].length > 1) {
                int split = lastMerge(tokens[rank], rank, ranks);
                if (split < 0 || rank(ranks, tokens[rank], 0, split) >= rank || rank(ranks, tokens[rank], split, tokens[rank].length) >= rank) {
                    throw UserError.badInput(name + ": token of rank " + rank + " cannot be made of two tokens of lower rank");
                }
                merges.add(new int[] {rank(ranks, tokens[rank], 0, split), rank(ranks, tokens[rank], split, tokens[rank].length), rank});
            }
        }
        int[][] parts = new int[3][];
        for (int i = 0; i < 3; i++) {
            int column = i;
            parts[i] = merges.stream().mapToInt(merge -> merge[column]).toArray();
        }
        return new BpeModel(tokens, byteIds, parts[0], parts[1], parts[2], false, preTokenizer, List.of(), -1, -1, -1);
    }

    private static int rank(Map<ByteBuffer, Integer> ranks, byte[] token, int from, int to) {
        return ranks.getOrDefault(ByteBuffer.wrap(token, from, to - from), Integer.MAX_VALUE);
    }

    /** Where the last merge joins the token, or -1. */
    private static int lastMerge(byte[] token, int below, Map<ByteBuffer, Integer> ranks) {
        int[] starts = new int[token.length + 1];
        Arrays.setAll(starts, i -> i);
        int parts = token.length;
        while (parts > 2) {
            int best = below;
            int at = -1;
            for (int i = 0; i + 2 <= parts; i++) {
                int rank = rank(ranks, token, starts[i], starts[i + 2]);
                if (rank < best) {
                    best = rank;
                    at = i;
                }
            }
            if (at < 0) {
                return -1;
            }
            System.arraycopy(starts, at + 2, starts, at + 1, parts - at - 1);
            parts--;
        }
        return starts[1];
    }
}
