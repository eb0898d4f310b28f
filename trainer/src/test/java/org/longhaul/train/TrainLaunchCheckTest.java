package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.config.ConfigWriter;
import org.longhaul.error.UserError;

/** What every rank would refuse is said once, by the launcher. */
class TrainLaunchCheckTest {
    @TempDir
    private Path folder;

    private Path job;

    @BeforeEach
    void write() throws IOException {
        job = Files.writeString(folder.resolve("job.yaml"), ConfigWriter.toYaml(TrainerTest.config(folder.resolve("run"))));
    }

    private void require(int processes, String command, String... more) {
        List<String> words = new ArrayList<>(List.of(command, job.toString()));
        words.addAll(List.of(more));
        new TrainLaunchCheck().require(words, processes);
    }

    private String refusal(int processes, String command, String... more) {
        UserError error = assertThrows(UserError.class, () -> require(processes, command, more));
        assertEquals(2, error.exitCode().status());
        assertEquals(1, error.getMessage().lines().count(), error.getMessage());
        return error.getMessage();
    }

    @Test
    void workOfOneProcessIsNotDoneByEachRank() {
        assertEquals("launch: longhaul validate is work for one process, which 4 ranks would each do; start it without launch", refusal(4, "validate"));
        refusal(2, "checkpoint");
        require(1, "validate");
    }

    @Test
    void aConfigurationThatIsWrong() {
        assertEquals("command line: model.nope: unknown key", refusal(2, "train", "model.nope=1").split(";")[0]);
        assertEquals("command line: model.nope: unknown key", refusal(2, "verify-layout", "model.nope=1", "--random").split(";")[0]);
        assertEquals("--steps must be at least 1: 0", refusal(2, "verify-layout", "--steps", "0"));
    }

    @Test
    void layoutsThatDoNotFitTheProcesses() {
        assertEquals("3 processes verify layouts of as many ranks: name such with --layouts", refusal(3, "verify-layout", "--layouts", "tp2"));
        assertEquals("layout tp8 does not fit", refusal(8, "verify-layout", "--layouts=tp8").split(":")[0]);
        require(4, "verify-layout", "--random", "--layouts", "tp2.dp2,pp2.dp2");
        require(1, "verify-layout", "--random", "--layouts", "tp2");
    }

    @Test
    void whatIsNoneOfItsIsLeftToTheRanks() {
        require(2, "verify-layout", "--help");
        require(2, "verify-layout", "--no-such-option");
        require(2, "bench", "model.nope=1");
    }
}
