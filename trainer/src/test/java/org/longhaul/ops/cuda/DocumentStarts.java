package org.longhaul.ops.cuda;

import java.util.Arrays;
import java.util.Random;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.DocumentIndex;

/** Where documents begin in packed sequences, drawn for tests: single tokens, odd lengths and whole sequences among them. */
public final class DocumentStarts {
    private DocumentStarts() {}

    /** For each of batch × sequence tokens the position in its sequence at which its document begins; one sequence in four is one document. */
    public static int[] random(Random random, int batch, int sequence, int longest) {
        int[] starts = new int[batch * sequence];
        for (int b = 0; b < batch; b++) {
            boolean whole = random.nextInt(4) == 0;
            for (int from = 0; from < sequence; ) {
                int to = whole ? sequence : Math.min(sequence, from + 1 + random.nextInt(1 + random.nextInt(longest)));
                Arrays.fill(starts, b * sequence + from, b * sequence + to, from);
                from = to;
            }
        }
        return starts;
    }

    /** What attention of a shape is told of them. */
    public static int[] index(AttentionShape shape, int[] starts) {
        DocumentIndex layout = new DocumentIndex(shape);
        int[] index = new int[layout.elements()];
        layout.fill(starts, index);
        return index;
    }
}
