package org.longhaul.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a trainer learnt: ordinary tokens by id (base alphabet first, in the order of its byte-level characters, then one token for
 * every merge that spells something new) and the merges by rank.
 *
 * @param preTokenizer how the text was cut
 * @param tokens bytes of every token by id
 * @param left left id of every merge
 * @param right right id of every merge
 * @param merged resulting id of every merge
 */
public record TrainedVocabulary(PreTokenizer preTokenizer, byte[][] tokens, int[] left, int[] right, int[] merged) {
    /** The tokenizer of this vocabulary with special tokens behind it. */
    public Tokenizer tokenizer(SpecialTokens specials) {
        return new Tokenizer(model(specials));
    }

    BpeModel model(SpecialTokens specials) {
        List<byte[]> all = new ArrayList<>(Arrays.asList(tokens));
        List<AddedToken> added = new ArrayList<>();
        int begin = add(all, added, specials.begin());
        int end = add(all, added, specials.end());
        specials.others().forEach(content -> add(all, added, content));
        int[] byteIds = new int[256];
        Arrays.fill(byteIds, -1);
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id].length == 1) {
                byteIds[tokens[id][0] & 0xFF] = id;
            }
        }
        for (int b : SpecialTokens.BYTES_OUTSIDE_UTF8) {
            if (specials.bytesOutsideUtf8() && byteIds[b] < 0) {
                byteIds[b] = all.size();
                all.add(new byte[] {(byte) b});
            }
        }
        return new BpeModel(all.toArray(new byte[0][]), byteIds, left, right, merged, false, preTokenizer, List.copyOf(added), begin,
                end, begin);
    }

    private static int add(List<byte[]> all, List<AddedToken> added, String content) {
        if (content.isEmpty()) {
            return -1;
        }
        int id = all.size();
        added.add(AddedToken.special(id, content));
        all.add(BpeModel.addedBytes(content));
        return id;
    }
}
