package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.longhaul.error.UserError;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class LaunchCommandTest {
    @Test
    void ranksOfOneMachineShareItsMemoryAndCores() {
        List<String> alone = List.of("-XX:MaxRAMPercentage=25", "-Da=b");
        assertEquals(List.of("-XX:MaxRAMPercentage=25.0", "-Da=b"), LaunchCommand.share(alone, 1, 96));
        assertEquals(List.of("-XX:MaxRAMPercentage=6.25", "-Da=b", "-XX:ActiveProcessorCount=12"), LaunchCommand.share(alone, 8, 96));
        assertEquals(List.of("-Xmx8g", "-XX:ActiveProcessorCount=3"), LaunchCommand.share(List.of("-Xmx8g", "-XX:ActiveProcessorCount=3"), 8, 96));
        assertEquals(List.of("-XX:ActiveProcessorCount=2"), LaunchCommand.share(List.of(), 8, 2));
    }

    @Test
    void whatNoRankCanDoIsSaidBeforeAnyStarts() {
        assertTrue(refused("--nproc", "2", "trian", "job.yaml").contains("unknown command 'trian' for the ranks; there are launch, train"));
        assertTrue(refused("--nproc", "2", "--rendezvous-port", "99999", "train").contains("must lie between 0 and 65535: 99999"));
        assertTrue(refused("--nproc", "2", "--grace", "-1", "train").contains("--grace"));
    }

    private static String refused(String... arguments) {
        CommandLine root = new CommandLine(CommandSpec.create().name("longhaul"));
        root.addSubcommand("launch", new LaunchCommand());
        root.addSubcommand("train", new CommandLine(CommandSpec.create()));
        AtomicReference<Exception> thrown = new AtomicReference<>();
        root.setExecutionExceptionHandler((e, command, parsed) -> {
            thrown.set(e);
            return ((UserError) e).exitCode().status();
        });
        String[] line = new String[arguments.length + 1];
        line[0] = "launch";
        System.arraycopy(arguments, 0, line, 1, arguments.length);
        assertEquals(2, root.execute(line));
        return thrown.get().getMessage();
    }
}
