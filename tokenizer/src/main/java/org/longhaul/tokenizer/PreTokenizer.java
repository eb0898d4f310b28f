package org.longhaul.tokenizer;

/** The families of pre-tokenizers that are known, each a hand-written state machine over UTF-8 bytes. */
public enum PreTokenizer {
    /** DeepSeek LLM's seven published steps. */
    DEEPSEEK(new DeepSeekSplitter()),
    /** GPT-2's pattern. */
    GPT2(new Gpt2Splitter()),
    /** The pattern of cl100k. */
    CL100K(new Cl100kSplitter(3)),
    /** The pattern of Llama 3, which cuts as cl100k does; its files merge whole words first. */
    LLAMA3(new Cl100kSplitter(3)),
    /** The pattern of Qwen 2: as cl100k with every digit alone. */
    QWEN2(new Cl100kSplitter(1));

    private final Splitter splitter;

    PreTokenizer(Splitter splitter) {
        this.splitter = splitter;
    }

    /** The state machine; stateless, so that threads share it. */
    public Splitter splitter() {
        return splitter;
    }
}
