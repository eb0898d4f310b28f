package org.longhaul.data.job;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * A tokenizer that the configuration names instead of having one trained.
 *
 * @param path of tokenizer.json
 * @param json its bytes
 * @param config those of tokenizer_config.json beside it, null where there is none
 */
record GivenTokenizer(Path path, byte[] json, byte[] config) {
    /** Reads and tries it, before hours of other work: {@code named} is a tokenizer.json or its folder, as the tokenizer's own commands take it. */
    static GivenTokenizer read(Configuration conf, String named) {
        Path path = new Path(named);
        try {
            if (path.getFileSystem(conf).exists(path) && path.getFileSystem(conf).getFileStatus(path).isDirectory()) {
                path = new Path(path, TokenizerStage.JSON);
            }
            if (!path.getFileSystem(conf).exists(path)) {
                throw UserError.badInput("tokenizer.path: " + Store.display(path) + ": no such file; name a tokenizer.json or the folder that holds one, or leave it out to train one");
            }
        } catch (IOException e) {
            throw UserError.badInput("tokenizer.path: " + Store.display(path) + " cannot be read: " + Reason.of(e), e);
        }
        Store store = new Store(conf, path.getParent() == null ? "." : path.getParent().toString());
        byte[] json = store.read(path.getName());
        byte[] config = store.exists(TokenizerStage.CONFIG_JSON) ? store.read(TokenizerStage.CONFIG_JSON) : null;
        TokenizerStage.load(json, config, Store.display(path));
        return new GivenTokenizer(path, json, config);
    }

    /** Brings its files to the data set. */
    void copyTo(Store output) {
        output.write(TokenizerStage.JSON, json);
        if (config != null) {
            output.write(TokenizerStage.CONFIG_JSON, config);
        }
    }

    /** Of all that ids depend on. */
    String digest() {
        return Json.digest(new String(json, StandardCharsets.ISO_8859_1) + (config == null ? "" : new String(config, StandardCharsets.ISO_8859_1)));
    }
}
