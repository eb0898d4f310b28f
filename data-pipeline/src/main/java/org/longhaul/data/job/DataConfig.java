package org.longhaul.data.job;

import java.io.Serializable;
import java.util.Map;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.data.decontamination.DecontaminationSettings;
import org.longhaul.data.dedup.DedupSettings;
import org.longhaul.data.read.ReadSettings;

/** The configuration of {@code longhaul data run}. */
@Doc("The data pipeline: raw text to token shards.")
public record DataConfig(
        @Doc("Folder that relative input paths start from; empty: the working folder.") @Default("") String root,
        @Doc("The inputs by name; the name is the source in shards and reports.") Map<String, Input> inputs,
        @Doc("Rule sets by name: what is done with a document before deduplication.") @Default("{}") Map<String, RuleSet> rules,
        @Doc("Removal of benchmark questions, from the documents of every input.") DecontaminationSettings decontamination,
        @Doc("Deduplication across all inputs together.") DedupSettings dedup,
        @Doc("Share of an input's records that may be malformed or without text. More stops the run before anything else is done: the text field or the format is probably wrong.")
                @Default("0.5") double maxUnusable,
        @Doc("Fraction of documents kept for validation, chosen by document hash; the members of a duplicate cluster never straddle.")
                @Default("0.005") double validationFraction,
        @Doc("The tokenizer: trained on the kept documents, or given.") TokenizerConfig tokenizer,
        @Doc("Seed of the shuffle, the remix and the validation split.") @Default("1234") long seed,
        @Doc("Where the shards go.") Output output,
        @Doc("How Spark runs.") SparkConfig spark)
        implements Serializable {

    /** Checks ranges. */
    public DataConfig {
        if (inputs.isEmpty()) {
            throw new IllegalArgumentException("inputs must name at least one input");
        }
        inputs.forEach((name, input) -> {
            if (!input.rules().equals(RuleSet.DEFAULT) && !rules.containsKey(input.rules())) {
                throw new IllegalArgumentException("inputs must use rule sets that exist, one of " + rules.keySet() + ": input " + name + " has rules: " + input.rules());
            }
        });
        for (String source : dedup.sourcePriority()) {
            if (!inputs.containsKey(source)) {
                throw new IllegalArgumentException("dedup must name inputs in source_priority, some of " + inputs.keySet() + ": " + source);
            }
        }
        if (!(maxUnusable >= 0 && maxUnusable <= 1)) {
            throw new IllegalArgumentException("max_unusable must be between 0 and 1: " + maxUnusable);
        }
        if (validationFraction < 0 || validationFraction >= 1) {
            throw new IllegalArgumentException("validation_fraction must be at least 0 and below 1: " + validationFraction);
        }
    }

    /** One input. */
    @Doc("One input of the pipeline.")
    public record Input(
            @Doc("File, folder or glob on any Hadoop file system: .jsonl, .json, .warc, .wet, .txt (each also .gz, .zst, .bz2) or .parquet.")
                    String path,
            @Doc("Share of the kept documents that goes on: below 1 samples by document hash, above 1 repeats training documents.")
                    @Default("1.0") double weight,
            @Doc("Name of the rule set of its documents; without a set named default there are the built-in defaults.") @Default("default") String rules,
            @Doc("How records are read.") ReadSettings read)
            implements Serializable {
        /** Checks ranges. */
        public Input {
            if (path.isBlank()) {
                throw new IllegalArgumentException("path must not be empty");
            }
            if (weight < 0 || weight > 1000) {
                throw new IllegalArgumentException("weight must be between 0 and 1000: " + weight);
            }
        }
    }

    /** Where an input lies, the root applied. */
    String path(Input input) {
        boolean absolute = input.path().startsWith("/") || input.path().matches("[a-zA-Z][a-zA-Z0-9+.-]*:.*");
        return absolute || root.isEmpty() ? input.path() : root.replaceFirst("/+$", "") + "/" + input.path();
    }

    /** The rule set of an input. */
    RuleSet rules(Input input) {
        return rules.getOrDefault(input.rules(), RuleSet.defaults());
    }

    /** Rank of an input among duplicates: the smallest keeps its copy. */
    int rank(String input) {
        int rank = dedup.sourcePriority().indexOf(input);
        return rank < 0 ? dedup.sourcePriority().size() : rank;
    }

    /** The tokenizer. */
    @Doc("The tokenizer of the shards.")
    public record TokenizerConfig(
            @Doc("A tokenizer.json to use, or the folder that holds one; empty: train one on the kept training documents.") @Default("") String path,
            @Doc("Vocabulary size to train, special tokens and the 256 bytes included.") @Default("32000") int vocabulary,
            @Doc("Text in MiB to train on, sampled by document hash; 0: all of it.") @Default("24576") long trainMib)
            implements Serializable {
        /** Checks ranges. */
        public TokenizerConfig {
            if (vocabulary < 260) {
                throw new IllegalArgumentException("vocabulary must be at least 260: " + vocabulary);
            }
            if (trainMib < 0) {
                throw new IllegalArgumentException("train_mib must not be negative: " + trainMib);
            }
        }
    }

    /** Output. */
    @Doc("The data set that is written.")
    public record Output(
            @Doc("Folder of the data set, on any Hadoop file system.") String dir,
            @Doc("Aimed size of a shard in MiB; a shard never passes 1024.") @Default("256") int shardMib,
            @Doc("Characters of every dropped text that the decision log keeps; 0 keeps none.") @Default("240") int excerptChars,
            @Doc("Keep the intermediate files of the stages in DIR/_work after success.") @Default("false") boolean keepWork)
            implements Serializable {
        /** Checks ranges. */
        public Output {
            if (dir.isBlank()) {
                throw new IllegalArgumentException("dir must not be empty");
            }
            if (shardMib < 1 || shardMib > 768) {
                throw new IllegalArgumentException("shard_mib must be between 1 and 768: " + shardMib);
            }
            if (excerptChars < 0 || excerptChars > 100_000) {
                throw new IllegalArgumentException("excerpt_chars must be between 0 and 100000: " + excerptChars);
            }
        }
    }

    /** Spark. */
    @Doc("How Spark runs; under spark-submit its settings win.")
    public record SparkConfig(
            @Doc("Spark master; empty: what spark-submit says, else local[*].") @Default("") String master,
            @Doc("Number of tasks of every stage; 0 chooses by the amount of data. The shards do not depend on it.") @Default("0") int partitions,
            @Doc("Stored input bytes, in MiB, that small files are packed up to; a part is what a killed run repeats.") @Default("32") int partMib,
            @Doc("MinHash bands joined in one round; fewer need less shuffle space, 0 joins all at once.") @Default("0") int bandsPerRound,
            @Doc("Documents up to which duplicates are found in the driver's memory (about 400 bytes each), which spares a small corpus Spark's start-up costs; beyond it Spark finds them, with the same outcome.")
                    @Default("1000000") long driverDocuments,
            @Doc("Token data in MiB up to which the global shuffle happens in the driver's memory; beyond it Spark shuffles, with the same outcome.")
                    @Default("64") int driverTokenMib,
            @Doc("Duplicate pairs up to which clusters are found in the driver's memory (about 100 bytes each); beyond it Spark finds them.")
                    @Default("5000000") long driverEdges,
            @Doc("Further Spark settings, such as {spark.local.dir: /fast/disk}.") @Default("{}") Map<String, String> conf)
            implements Serializable {
        /** Checks ranges. */
        public SparkConfig {
            if (partitions < 0) {
                throw new IllegalArgumentException("partitions must not be negative: " + partitions);
            }
            if (bandsPerRound < 0) {
                throw new IllegalArgumentException("bands_per_round must not be negative: " + bandsPerRound);
            }
            if (driverDocuments < 0 || driverDocuments > 20_000_000) {
                throw new IllegalArgumentException("driver_documents must be between 0 and 20000000: " + driverDocuments);
            }
            if (driverTokenMib < 0 || driverTokenMib > 16384) {
                throw new IllegalArgumentException("driver_token_mib must be between 0 and 16384: " + driverTokenMib);
            }
            if (driverEdges < 0 || driverEdges > 100_000_000) {
                throw new IllegalArgumentException("driver_edges must be between 0 and 100000000: " + driverEdges);
            }
            if (partMib < 1) {
                throw new IllegalArgumentException("part_mib must be positive: " + partMib);
            }
        }
    }
}
