package org.longhaul.checkpoint;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.model.Box;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.parallel.ShardedArena;
import org.longhaul.tensor.Tensor;

/**
 * What of a rank's parameter arenas goes into a checkpoint and comes back: the F32 master weights under the tensors' own
 * names, Adam's moments under {@code <tensor>.exp_avg} and {@code <tensor>.exp_avg_sq}.
 */
public final class StateBoxes {
    /** Ends the name of Adam's first moment. */
    public static final String FIRST_MOMENT = ".exp_avg";
    /** Ends the name of Adam's second moment. */
    public static final String SECOND_MOMENT = ".exp_avg_sq";

    private StateBoxes() {}

    /** Whether a stored tensor is optimizer state. */
    public static boolean isMoment(String tensor) {
        return tensor.endsWith(FIRST_MOMENT) || tensor.endsWith(SECOND_MOMENT);
    }

    /** This data-parallel rank's share of master weights and moments: what it saves. */
    public static List<BoxData> saved(ParameterStore parameters) {
        List<BoxData> out = new ArrayList<>();
        share(parameters, "", parameters.master(), out);
        share(parameters, FIRST_MOMENT, parameters.firstMoment(), out);
        share(parameters, SECOND_MOMENT, parameters.secondMoment(), out);
        return out;
    }

    /**
     * Everything that a rank loads to train on: its share of the state, and all weights in the compute type, which are the master
     * weights rounded to nearest even just as the optimizer's step leaves them.
     */
    public static List<BoxData> resumed(ParameterStore parameters) {
        List<BoxData> out = new ArrayList<>(weights(parameters));
        if (parameters.master() != parameters.weights()) {
            share(parameters, "", parameters.master(), out);
        }
        share(parameters, FIRST_MOMENT, parameters.firstMoment(), out);
        share(parameters, SECOND_MOMENT, parameters.secondMoment(), out);
        return out;
    }

    /** What a rank loads to start anew from trained weights, with moments left at zero. */
    public static List<BoxData> initial(ParameterStore parameters) {
        List<BoxData> out = new ArrayList<>(weights(parameters));
        if (parameters.master() != parameters.weights()) {
            share(parameters, "", parameters.master(), out);
        }
        return out;
    }

    /** All weights of the rank in the compute type: what evaluation and generation load. */
    public static List<BoxData> weights(ParameterStore parameters) {
        List<BoxData> out = new ArrayList<>();
        cut(parameters.layout(), "", 0, parameters.layout().elements(), parameters.weights(), out);
        return out;
    }

    private static void share(ParameterStore parameters, String suffix, Tensor tensor, List<BoxData> out) {
        for (ShardedArena.Part part : parameters.shards().owned()) {
            cut(parameters.layout(), suffix, part.from(), part.to(), tensor.slice(part.stateFrom(), part.stateFrom() + part.elements()), out);
        }
    }

    private static void cut(ParameterLayout layout, String suffix, long from, long to, Tensor tensor, List<BoxData> out) {
        for (ParameterLayout.Piece p : layout.pieces(from, to)) {
            Box b = p.box();
            Box named = new Box(b.tensor() + suffix, b.globalShape(), b.offset(), b.extent());
            out.add(new BoxData(named, tensor.slice(p.offset() - from, p.offset() - from + b.elements())));
        }
    }
}
