package org.longhaul.parallel;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/**
 * The layout of a job: pipeline × data × tensor ranks. Tensor-parallel ranks are neighbours (they talk most and share a host),
 * then data-parallel ranks, then pipeline stages: {@code rank = (pipeline · D + data) · T + tensor}.
 */
@Doc("How the model and the batch are laid over the GPUs; the product is the number of processes.")
public record Mesh(
        @Doc("Pipeline stages.") @Default("1") int pipeline,
        @Doc("Data-parallel replicas; optimizer states are divided among them (ZeRO-1). 0 means as many as the processes allow.")
                @Default("0") int data,
        @Doc("Tensor- and sequence-parallel ranks of one layer.") @Default("1") int tensor,
        @Doc("Virtual stages each pipeline rank holds (interleaved 1F1B).") @Default("1") int virtualStages) {

    private static final int MOST = 1 << 20;

    /** Checks the sizes. */
    public Mesh {
        if (pipeline < 1 || data < 0 || tensor < 1 || virtualStages < 1) {
            throw new IllegalArgumentException("pipeline, tensor and virtual_stages must be at least 1, data at least 0: " + pipeline
                    + ", " + tensor + ", " + virtualStages + ", " + data);
        }
        // In steps of one factor each: the product of all may leave a long.
        if (tensor > MOST || (long) tensor * pipeline > MOST || (long) tensor * pipeline * Math.max(1, data) > MOST) {
            throw new IllegalArgumentException("pipeline × data × tensor must be at most " + MOST + " processes: " + pipeline + " × " + Math.max(1, data)
                    + " × " + tensor);
        }
        if ((long) pipeline * virtualStages > MOST) {
            throw new IllegalArgumentException("pipeline × virtual_stages must be at most " + MOST + ": " + pipeline + " × " + virtualStages);
        }
        if (virtualStages > 1 && pipeline == 1) {
            throw new IllegalArgumentException("virtual_stages must be 1 when pipeline is 1: " + virtualStages);
        }
    }

    /** One process. */
    public static Mesh single() {
        return new Mesh(1, 1, 1, 1);
    }

    /** The same mesh with {@code data} filled in for a number of processes. Throws IllegalArgumentException when they do not fit. */
    public Mesh over(int processes) {
        int d = data == 0 ? Math.max(1, processes / (pipeline * tensor)) : data;
        if (pipeline * d * tensor != processes) {
            throw new IllegalArgumentException("mesh: pipeline " + pipeline + " × data " + d + " × tensor " + tensor + " needs "
                    + pipeline * d * tensor + " processes, " + processes + " run");
        }
        return new Mesh(pipeline, d, tensor, virtualStages);
    }

    /** Number of processes. */
    public int size() {
        return pipeline * data * tensor;
    }

    /** The pipeline stage of a rank. */
    public int pipelineOf(int rank) {
        return rank / (data * tensor);
    }

    /** The data-parallel replica of a rank. */
    public int dataOf(int rank) {
        return rank / tensor % data;
    }

    /** The tensor-parallel place of a rank. */
    public int tensorOf(int rank) {
        return rank % tensor;
    }

    /** The rank at a place. */
    public int rank(int pipelineStage, int dataReplica, int tensorPlace) {
        return (pipelineStage * data + dataReplica) * tensor + tensorPlace;
    }

    /** Ranks that share this rank's layers and samples, in tensor order. */
    public List<Integer> tensorGroup(int rank) {
        return group(tensor, i -> rank(pipelineOf(rank), dataOf(rank), i));
    }

    /** Ranks that hold the same parameters, in replica order. */
    public List<Integer> dataGroup(int rank) {
        return group(data, i -> rank(pipelineOf(rank), i, tensorOf(rank)));
    }

    /** Ranks that work on the same samples, in stage order. */
    public List<Integer> pipelineGroup(int rank) {
        return group(pipeline, i -> rank(i, dataOf(rank), tensorOf(rank)));
    }

    private static List<Integer> group(int size, java.util.function.IntUnaryOperator member) {
        List<Integer> ranks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            ranks.add(member.applyAsInt(i));
        }
        return List.copyOf(ranks);
    }
}
