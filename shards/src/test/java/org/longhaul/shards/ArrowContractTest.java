package org.longhaul.shards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.UInt2Vector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.arrow.vector.ipc.message.ArrowBlock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shards as Arrow's own reader sees them. */
class ArrowContractTest {
    @TempDir
    Path folder;

    @Test
    void arrowReadsTheSameTokens() throws IOException {
        for (int vocabulary : new int[] {60_000, 100_000}) {
            Path place = Files.createDirectory(folder.resolve("v" + vocabulary));
            Fixture fixture = new Fixture(place, vocabulary, 9, 1, 700, 4_000);
            List<Integer> tokens = new ArrayList<>();
            try (BufferAllocator allocator = new RootAllocator();
                    ArrowFileReader reader = new ArrowFileReader(FileChannel.open(place.resolve("train-00000.tokens.arrow")), allocator)) {
                VectorSchemaRoot root = reader.getVectorSchemaRoot();
                for (ArrowBlock block : reader.getRecordBlocks()) {
                    assertEquals(0, (block.getOffset() + block.getMetadataLength()) % 64, "values start at a multiple of 64");
                }
                while (reader.loadNextBatch()) {
                    FieldVector vector = root.getVector("token");
                    assertEquals(0, vector.getNullCount());
                    for (int i = 0; i < root.getRowCount(); i++) {
                        tokens.add(vocabulary <= 65_536 ? (int) ((UInt2Vector) vector).get(i)
                                : (int) ((UInt4Vector) vector).getValueAsLong(i));
                    }
                }
            }
            int[] expected = fixture.stream("train");
            assertTrue(expected.length > 1 << 20);
            assertArrayEquals(expected, tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    @Test
    void arrowReadsTheSameDocuments() throws IOException {
        Fixture fixture = new Fixture(folder, 100, 9, 1, 20_000, 4);
        List<Fixture.Document> documents = fixture.documents("train");
        try (BufferAllocator allocator = new RootAllocator();
                ArrowFileReader reader = new ArrowFileReader(FileChannel.open(folder.resolve("train-00000.documents.arrow")), allocator)) {
            VectorSchemaRoot root = reader.getVectorSchemaRoot();
            int row = 0;
            long start = 0;
            while (reader.loadNextBatch()) {
                try (FieldVector sources = decode(reader, root, "source"); FieldVector languages = decode(reader, root, "language")) {
                    for (int i = 0; i < root.getRowCount(); i++) {
                        Fixture.Document document = documents.get(row++);
                        assertEquals(start, ((BigIntVector) root.getVector("start")).get(i));
                        assertEquals(document.ids().length, ((BigIntVector) root.getVector("length")).get(i));
                        assertEquals(document.bytes(), ((BigIntVector) root.getVector("text_bytes")).get(i));
                        byte[] id = ((FixedSizeBinaryVector) root.getVector("id")).get(i);
                        assertEquals(String.format("%016x%016x", document.idHigh(), document.idLow()),
                                java.util.HexFormat.of().formatHex(id));
                        assertEquals(document.source(), sources.getObject(i).toString());
                        assertEquals(document.language(), languages.getObject(i).toString());
                        start += document.ids().length;
                    }
                }
            }
            assertEquals(documents.size(), row);
        }
    }

    private static FieldVector decode(ArrowFileReader reader, VectorSchemaRoot root, String column) throws IOException {
        FieldVector indices = root.getVector(column);
        return (FieldVector) DictionaryEncoder.decode(indices, reader.lookup(indices.getField().getDictionary().getId()));
    }

    @Test
    void theHeapDoesNotGrowWithTheShard() throws IOException {
        Path file = folder.resolve("big-00000.tokens.arrow");
        int[] ids = new int[1 << 20];
        Arrays.setAll(ids, i -> i % 50_000);
        try (ShardWriter writer = new ShardWriter(name -> Files.newOutputStream(folder.resolve(name)), "big-00000", 50_000)) {
            for (int i = 0; i < 128; i++) {
                writer.add(i, i, "s", "en", 1, ids, ids.length);
            }
            writer.finish();
        }
        assertTrue(Files.size(file) > 256L << 20);
        long before = used();
        TokenShard[] shards = new TokenShard[16];
        long sum = 0;
        for (int i = 0; i < shards.length; i++) {
            shards[i] = new TokenShard(file, TokenType.UINT16);
            for (long t = 0; t < shards[i].tokens(); t += 4099) {
                sum += shards[i].tokenAt(t);
            }
        }
        long grown = used() - before;
        assertTrue(grown < 16 << 20, "16 mapped shards of 256 MiB took " + grown + " bytes of heap");
        assertEquals(128L << 20, shards[15].tokens());
        assertTrue(sum > 0);
    }

    private static long used() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
