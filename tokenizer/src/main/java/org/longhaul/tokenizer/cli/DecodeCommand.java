package org.longhaul.tokenizer.cli;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.Callable;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code longhaul tokenizer decode}: writes the bytes of ids. */
@Command(name = "decode", description = "Write the bytes of ids, given as words or on standard input.")
final class DecodeCommand implements Callable<Integer> {
    @Option(names = {"-t", "--tokenizer"}, required = true, paramLabel = "FILE", description = "tokenizer.json or its folder.")
    private Path tokenizer;

    @Parameters(paramLabel = "ID", arity = "0..*", description = "The ids; without them standard input is read.")
    private List<String> ids;

    @Override
    public Integer call() throws IOException {
        Tokenizer t = Tokenizer.load(tokenizer);
        OutputStream out = new BufferedOutputStream(System.out, 1 << 16);
        if (ids != null && !ids.isEmpty()) {
            for (String id : ids) {
                out.write(t.tokenBytes(parse(id)));
            }
        } else {
            Scanner in = new Scanner(new BufferedInputStream(System.in, 1 << 16), StandardCharsets.US_ASCII).useDelimiter("[\\s,]+");
            while (in.hasNext()) {
                out.write(t.tokenBytes(parse(in.next())));
            }
        }
        out.flush();
        return 0;
    }

    private static int parse(String id) {
        try {
            return Integer.parseInt(id);
        } catch (NumberFormatException e) {
            throw UserError.badInput("\"" + id + "\" is not a token id");
        }
    }
}
