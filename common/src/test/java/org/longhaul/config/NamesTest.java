package org.longhaul.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamesTest {
    @ParameterizedTest
    @CsvSource({"microBatch,micro_batch", "MultiStep,multi_step", "DARK_BLUE,dark_blue", "lr,lr", "beta2,beta2", "useKVCache,use_kv_cache", "JSONLines,json_lines", "X,x", "nKv,n_kv"})
    void namesAreTheWordsInLowerCase(String java, String yaml) {
        assertEquals(yaml, Names.snake(java));
    }
}
