package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardSet;
import org.longhaul.shards.TokenSplit;
import org.longhaul.tokenizer.Tokenizer;

/** Documents begin with what the tokenizer puts in front of a prompt, so that a model meets in use what it was trained on, and end with the end. */
class DocumentFrameTest {
    @TempDir
    private Path folder;

    @Test
    void documentsBeginAsPromptsDo() throws IOException {
        Path config = TinyCorpus.write(folder, 21);
        Path with = run(config, "with");
        Tokenizer tokenizer = Tokenizer.load(with);
        int begin = tokenizer.textPrefix().orElseThrow();
        ShardManifest framed = ShardSet.open(with).manifest();
        assertEquals(begin, framed.beginOfDocument());

        Path given = Files.createDirectories(folder.resolve("given"));
        Files.copy(with.resolve("tokenizer.json"), given.resolve("tokenizer.json"));
        Files.writeString(given.resolve("tokenizer_config.json"),
                Files.readString(with.resolve("tokenizer_config.json")).replaceFirst("\\{", "{\"add_bos_token\": false,"));
        Path without = run(config, "without", "tokenizer.path=" + given.resolve("tokenizer.json"));
        ShardManifest plain = ShardSet.open(without).manifest();
        assertNull(plain.beginOfDocument());
        assertNotEquals(framed.fingerprint(), plain.fingerprint());

        TokenSplit one = ShardSet.open(with).split("train");
        TokenSplit two = ShardSet.open(without).split("train");
        assertEquals(two.documents(), one.documents());
        for (long d = 0; d < one.documents(); d++) {
            int[] ids = ids(one, d);
            assertEquals(begin, ids[0]);
            assertEquals(tokenizer.endOfSentence(), ids[ids.length - 1]);
            assertEquals(Arrays.toString(Arrays.copyOfRange(ids, 1, ids.length)), Arrays.toString(ids(two, d)));
        }
    }

    private static int[] ids(TokenSplit split, long document) {
        int[] ids = new int[(int) split.documentLength(document)];
        split.read(split.documentStart(document), ids, 0, ids.length);
        return ids;
    }

    private Path run(Path config, String name, String... overrides) {
        return TinyCorpus.run(config, folder.resolve(name), overrides);
    }
}
