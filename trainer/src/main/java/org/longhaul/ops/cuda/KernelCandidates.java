package org.longhaul.ops.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The kernels that stand to be chosen, each operation's own one first. */
final class KernelCandidates {
    static final String STANDARD = "standard";
    static final List<String> OPERATIONS = List.of("rmsNorm", "rmsNormBackward", "crossEntropy", "adamW");

    private KernelCandidates() {}

    /** A way to do an operation; {@code choose} makes the operations take it. */
    record Candidate(String operation, String name, Consumer<KernelOps> choose) {
        boolean standard() {
            return name.equals(STANDARD);
        }
    }

    static List<Candidate> of(String operation) {
        List<Candidate> all = new ArrayList<>();
        switch (operation) {
            case "rmsNorm" -> {
                all.add(new Candidate(operation, STANDARD, o -> o.normKernels().chooseForward(null)));
                NormVariants.FORWARD.forEach(v -> all.add(new Candidate(operation, v.name(), o -> o.normKernels().chooseForward(v))));
            }
            case "rmsNormBackward" -> {
                all.add(new Candidate(operation, STANDARD, o -> o.normKernels().chooseBackward(null)));
                NormVariants.BACKWARD.forEach(v -> all.add(new Candidate(operation, v.name(), o -> o.normKernels().chooseBackward(v))));
            }
            case "crossEntropy" -> {
                all.add(new Candidate(operation, STANDARD, o -> o.lossKernels().choose(null)));
                LossVariants.ALL.forEach(v -> all.add(new Candidate(operation, v.name(), o -> o.lossKernels().choose(v))));
            }
            case "adamW" -> {
                all.add(new Candidate(operation, STANDARD, o -> o.optimizerKernels().choose(null)));
                OptimizerKernels.VARIANTS.forEach(v -> all.add(new Candidate(operation, v.name(), o -> o.optimizerKernels().choose(v))));
            }
            default -> throw new IllegalArgumentException(
                    "no operation " + operation + " has several kernels; these have: " + String.join(", ", OPERATIONS));
        }
        return all;
    }

    /** The one that {@code operation=name} means; an IllegalArgumentException says what there is. */
    static Candidate named(String choice) {
        int equals = choice.indexOf('=');
        String operation = (equals < 0 ? choice : choice.substring(0, equals)).strip();
        String name = equals < 0 ? "" : choice.substring(equals + 1).strip();
        List<Candidate> all = of(operation);
        return all.stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow(() -> new IllegalArgumentException(
                operation + " has no kernel '" + name + "'; it has: " + String.join(", ", all.stream().map(Candidate::name).toList())));
    }

    static void standard(KernelOps ops) {
        OPERATIONS.forEach(o -> of(o).get(0).choose().accept(ops));
    }
}
