package org.longhaul.tokenizer.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.ByteLevel;
import org.longhaul.tokenizer.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul tokenizer encode}: prints the ids of a text. */
@Command(name = "encode", description = "Print the ids of a text, given as words or on standard input.")
final class EncodeCommand implements Callable<Integer> {
    @Option(names = {"-t", "--tokenizer"}, required = true, paramLabel = "FILE", description = "tokenizer.json or its folder.")
    private Path tokenizer;

    @Option(names = "--tokens", description = "Print every token with its id and the byte at which it starts, one a line.")
    private boolean tokens;

    @Option(names = "--ordinary", description = "Take special tokens in the text as plain text.")
    private boolean ordinary;

    @Parameters(paramLabel = "TEXT", arity = "0..*", description = "The text; without it standard input is read.")
    private List<String> text;

    @Override
    public Integer call() throws IOException {
        Tokenizer t = Tokenizer.load(tokenizer);
        byte[] bytes = text == null || text.isEmpty() ? System.in.readAllBytes()
                : String.join(" ", text).getBytes(StandardCharsets.UTF_8);
        int[] ids = t.encode(bytes);
        if (ordinary) {
            org.longhaul.tokenizer.TokenBuffer buffer = new org.longhaul.tokenizer.TokenBuffer();
            t.encodeOrdinary(bytes, 0, bytes.length, buffer);
            ids = buffer.toArray();
        }
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        int at = 0;
        for (int i = 0; i < ids.length; i++) {
            if (tokens) {
                byte[] token = t.tokenBytes(ids[i]);
                out.println(at + "\t" + ids[i] + "\t" + ByteLevel.spell(token));
                at += token.length;
            } else {
                out.print(i == 0 ? "" : " ");
                out.print(ids[i]);
            }
        }
        if (!tokens) {
            out.println();
        }
        out.flush();
        if (out.checkError()) {
            throw UserError.environment("cannot write to standard output");
        }
        return 0;
    }
}
