package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.tensor.DType;
import org.longhaul.train.Trainer.Outcome;

/** Training with optimizer moments in bfloat16. */
class MomentsTest {
    @TempDir
    private Path folder;

    /** The curve stays with that of F32 moments, and a resumed run repeats it bit for bit from moments that are stored as they are. */
    @Test
    void bfloat16MomentsTrackFloatOnesAndResume() throws IOException {
        Path single = folder.resolve("f32");
        Path straight = folder.resolve("straight");
        Path halves = folder.resolve("halves");
        String[] steps = {"steps=60"};
        String[] rounded = {"steps=60", "optimizer.moments=bf16"};
        assertEquals(Outcome.FINISHED, TrainerTest.run(TrainerTest.config(single, steps)));
        assertEquals(Outcome.FINISHED, TrainerTest.run(TrainerTest.config(straight, rounded)));
        assertEquals(Outcome.PAUSED, TrainerTest.run(TrainerTest.config(halves, "steps=60", "optimizer.moments=bf16", "stop_after=25")));
        assertEquals(Outcome.FINISHED, TrainerTest.run(TrainerTest.config(halves, rounded)));
        assertEquals(TrainerTest.losses(straight), TrainerTest.losses(halves));
        TrainerTest.sameState(straight, halves);

        List<String> a = TrainerTest.losses(single);
        List<String> b = TrainerTest.losses(straight);
        double worst = 0;
        for (int i = 0; i < a.size(); i++) {
            worst = Math.max(worst, Math.abs(Double.parseDouble(a.get(i)) - Double.parseDouble(b.get(i))));
        }
        assertTrue(worst > 0 && worst < 0.02, "largest difference of the losses " + worst);

        try (CheckpointStore store = CheckpointStore.open(straight.resolve("checkpoints"))) {
            Checkpoint checkpoint = store.openNewest();
            for (String name : checkpoint.tensorNames()) {
                assertEquals(StateBoxes.isMoment(name) ? DType.BF16 : DType.F32, checkpoint.dtype(name), name);
            }
        }
    }

    /** A run may change its mind: moments are converted when they are loaded. */
    @Test
    void momentsConvertBetweenRuns() throws IOException {
        Path output = folder.resolve("changes");
        TrainerTest.run(TrainerTest.config(output, "stop_after=10"));
        assertEquals(Outcome.FINISHED, TrainerTest.run(TrainerTest.config(output, "optimizer.moments=bf16")));
        assertEquals(20, TrainerTest.losses(output).size());
        try (CheckpointStore store = CheckpointStore.open(output.resolve("checkpoints"))) {
            Checkpoint checkpoint = store.openNewest();
            List<String> moments = checkpoint.tensorNames().stream().filter(StateBoxes::isMoment).toList();
            assertTrue(moments.size() > 10, "moments: " + moments);
            moments.forEach(name -> assertEquals(DType.BF16, checkpoint.dtype(name), name));
        }
    }
}
