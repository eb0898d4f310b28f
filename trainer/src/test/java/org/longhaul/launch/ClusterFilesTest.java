package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.config.ConfigLoader;
import org.longhaul.train.TrainConfig;
import picocli.CommandLine;

/** The ready files of configs/clusters: what the Slurm scripts do with every exit status, and that the Kubernetes manifest fits the launcher. */
class ClusterFilesTest {
    private static final Path FILES = Path.of("../configs/clusters");

    @TempDir
    private Path folder;

    private Path said;

    @BeforeEach
    void standInsOfSlurm() throws IOException {
        said = folder.resolve("said");
        stub("srun", "echo \"srun $*\" >> " + said + "; exit $STATUS");
        stub("scontrol", "echo \"scontrol $*\" >> " + said + "; [ $1 = requeue ] || echo \"   JobState=$STATE Reason=None\"");
        stub("sleep", "exit 0");
        stub("longhaul", "exit 0");
    }

    @ParameterizedTest
    @CsvSource({"0,RUNNING,false", "2,RUNNING,false", "75,RUNNING,true", "75,CANCELLED,false", "75,COMPLETING,false", "3,RUNNING,true", "137,RUNNING,true",
        "137,CANCELLED,false"})
    void whatTheStatusMeansToSlurm(int status, String state, boolean requeued) throws Exception {
        assertEquals(status, sbatch("slurm.sbatch", status, state));
        assertEquals(requeued, said().contains("scontrol requeue 4711"), said());
        assertTrue(said().contains(folder.resolve("longhaul") + " launch --nproc 4 ") && said().contains(" train job.yaml steps=5"), said());
        assertTrue(said().contains("srun --nodes=2 --ntasks=2 --ntasks-per-node=1 "), said());
        assertEquals(state.equals("COMPLETING"), Files.readString(folder.resolve("log")).contains("preempted it comes back by itself"));
    }

    /** They need root and a machine to themselves, so nothing else here runs them. */
    @ParameterizedTest
    @ValueSource(strings = {"check-slurm", "slurm-checks", "slurm-cluster", "check-prometheus", "check-shared-folder", "shared-folder-checks", "shared-folder-mounts"})
    void theScriptsThatTryClustersAreBash(String script) throws Exception {
        Process bash = new ProcessBuilder("bash", "-n", "../scripts/clusters/" + script).redirectErrorStream(true).start();
        assertEquals("", new String(bash.getInputStream().readAllBytes()));
        assertEquals(0, bash.waitFor());
    }

    /** What scripts/clusters/check-prometheus tries on a real Prometheus is what people read. */
    @Test
    void theAlertsAreThoseThatTheDocsShow() throws IOException {
        String docs = Files.readString(Path.of("../docs/clusters.md"));
        JsonNode rules = new YAMLMapper().readTree(FILES.resolve("prometheus-alerts.yaml").toFile()).path("groups").path(0).path("rules");
        assertEquals(2, rules.size());
        for (JsonNode rule : rules) {
            String shown = "    - alert: " + rule.path("alert").asText() + "\n      expr: " + rule.path("expr").asText() + "\n";
            assertTrue(docs.contains(shown), shown);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"slurm.sbatch", "slurm-task-per-gpu.sbatch"})
    void aJobThatMayNotBeRequeuedEndsAndSaysSo(String script) throws Exception {
        stub("scontrol", "[ $1 = requeue ] && { echo 'Requested operation is presently disabled for job 4711'; exit 1; }; echo \"   JobState=RUNNING\"");
        stub("sleep", "exit 9");
        assertEquals(75, sbatch(script, 75, "RUNNING"));
        assertTrue(Files.readString(folder.resolve("log")).contains("Slurm refuses"), Files.readString(folder.resolve("log")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"slurm.sbatch", "slurm-task-per-gpu.sbatch"})
    void theNumberWithinAnArrayStandsForPercentA(String script) throws Exception {
        sbatch(script, 75, "RUNNING", Map.of("SLURM_ARRAY_JOB_ID", "4711", "SLURM_ARRAY_TASK_ID", "3"), "seed=%a", "output=runs/%a x");
        assertTrue(said().contains(" train job.yaml seed=3 output=runs/3 x"), said());
        assertTrue(said().contains("scontrol show job 4711_3\nscontrol requeue 4711_3\n"), "4711 would mean the whole array: " + said());
        Files.delete(said);
        sbatch(script, 0, "RUNNING", Map.of(), "seed=%a");
        assertTrue(said().contains(" seed=%a"), said());
    }

    @ParameterizedTest
    @ValueSource(strings = {"slurm.sbatch", "slurm-task-per-gpu.sbatch"})
    void failuresInARowEndTheJobAndASaveForgetsThem(String script) throws Exception {
        for (int i = 0; i < 5; i++) {
            sbatch(script, 3, "RUNNING");
        }
        sbatch(script, 75, "RUNNING");
        Files.delete(said);
        for (int i = 0; i < 6; i++) {
            assertEquals(3, sbatch(script, 3, "RUNNING"));
        }
        assertEquals(5, said().lines().filter(l -> l.startsWith("scontrol requeue")).count(), said());
    }

    @ParameterizedTest
    @CsvSource({"0,RUNNING,false", "2,RUNNING,false", "75,RUNNING,true", "75,CANCELLED,false", "75,COMPLETING,false", "3,RUNNING,true", "137,CANCELLED,false"})
    void oneTaskAGpuGoesThroughTheQueue(int status, String state, boolean requeued) throws Exception {
        assertEquals(status, sbatch("slurm-task-per-gpu.sbatch", status, state));
        assertEquals(requeued, said().contains("scontrol requeue 4711"), said());
    }

    @Test
    void thePodsOfTheManifestAreTheNodesOfOneJob() throws IOException {
        Map<String, JsonNode> parts = manifest();
        JsonNode job = parts.get("Job").get("spec");
        JsonNode pod = job.get("template").get("spec");
        JsonNode container = pod.get("containers").get(0);
        String name = parts.get("Job").at("/metadata/name").asText();
        String service = parts.get("Service").at("/metadata/name").asText();
        assertEquals("Indexed", job.get("completionMode").asText());
        assertEquals(service, pod.get("subdomain").asText());
        assertEquals("None", parts.get("Service").at("/spec/clusterIP").asText());
        assertEquals(name, parts.get("Service").at("/spec/selector").get("batch.kubernetes.io/job-name").asText());
        assertEquals("Never", pod.get("restartPolicy").asText(), "podFailurePolicy asks for it");

        Map<String, String> env = new HashMap<>();
        container.get("env").forEach(e -> env.put(e.get("name").asText(), e.get("value").asText()));
        env.put("JOB_COMPLETION_INDEX", "3");
        int nodes = job.get("completions").asInt();
        assertEquals(nodes, job.get("parallelism").asInt());
        assertEquals(new NodeEnvironment(nodes, 3, name + "-0." + service, 29400, Optional.of(name)), NodeEnvironment.detect(env));

        List<String> command = new ArrayList<>();
        container.get("command").forEach(word -> command.add(word.asText()));
        assertEquals(List.of("/opt/longhaul/scripts/longhaul", "launch"), command.subList(0, 2));
        CommandLine.ParseResult parsed = new CommandLine(new LaunchCommand()).parseArgs(command.subList(2, command.size()).toArray(String[]::new));
        assertEquals(container.at("/resources/limits").get("nvidia.com/gpu").asInt(), (Integer) parsed.matchedOptionValue("nproc", 0));
        long save = parsed.matchedOptionValue("save-timeout", 0L);
        assertTrue(save > 0 && save < pod.get("terminationGracePeriodSeconds").asLong(), "who hangs in a save is named before the pod is killed");
        assertEquals(List.of("train", "/config/train.yaml"), parsed.matchedPositionalValue(0, List.of()));
    }

    /** The limit comes ten minutes behind the warning, at worst a minute less. */
    @Test
    void whoHangsInASaveIsNamedBeforeSlurmKillsTheJob() throws IOException {
        String script = Files.readString(FILES.resolve("slurm.sbatch"));
        Matcher warning = Pattern.compile("--signal=USR1@(\\d+)").matcher(script);
        Matcher save = Pattern.compile("--save-timeout (\\d+)").matcher(script);
        assertTrue(warning.find() && save.find());
        assertTrue(Integer.parseInt(save.group(1)) < Integer.parseInt(warning.group(1)) - 60, script);
    }

    @Test
    void theManifestsRulesAreOurExitCodes() throws IOException {
        Map<Integer, String> actions = new HashMap<>();
        manifest().get("Job").at("/spec/podFailurePolicy/rules").forEach(rule -> rule.at("/onExitCodes/values").forEach(
                value -> actions.put(value.asInt(), rule.get("action").asText())));
        assertEquals(Map.of(2, "FailJob", 75, "Ignore", 143, "Ignore"), actions);
    }

    @Test
    void theManifestsConfigurationLoads() throws IOException {
        String yaml = manifest().get("ConfigMap").at("/data/train.yaml").asText();
        Path file = folder.resolve("train.yaml");
        Files.writeString(file, yaml.replace("/opt/longhaul/configs", Path.of("../configs").toRealPath().toString()));
        assertEquals(Path.of("/runs/run7"), ConfigLoader.load(file, List.of(), TrainConfig.class).output());
    }

    @Test
    void probeAndScraperAskWhereTheRanksServe() throws IOException {
        String port = new YAMLMapper().readTree(manifest().get("ConfigMap").at("/data/train.yaml").asText()).at("/logging/metrics/port").asText();
        JsonNode template = manifest().get("Job").at("/spec/template");
        assertEquals(port, template.at("/metadata/annotations").get("prometheus.io/port").asText());
        assertEquals(port, template.at("/spec/containers/0/readinessProbe/httpGet/port").asText());
        assertEquals("/healthz", template.at("/spec/containers/0/readinessProbe/httpGet/path").asText());
    }

    private static Map<String, JsonNode> manifest() throws IOException {
        Map<String, JsonNode> parts = new HashMap<>();
        YAMLMapper mapper = new YAMLMapper();
        try (var documents = mapper.readerFor(JsonNode.class).<JsonNode>readValues(new YAMLFactory().createParser(FILES.resolve("kubernetes.yaml").toFile()))) {
            while (documents.hasNext()) {
                JsonNode part = documents.next();
                assertFalse(parts.containsKey(part.get("kind").asText()));
                parts.put(part.get("kind").asText(), part);
            }
        }
        return parts;
    }

    private void stub(String name, String body) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        assertTrue(file.toFile().setExecutable(true));
    }

    private String said() throws IOException {
        return Files.readString(said);
    }

    private int sbatch(String script, int status, String state) throws Exception {
        return sbatch(script, status, state, Map.of(), "steps=5");
    }

    private int sbatch(String script, int status, String state, Map<String, String> more, String... overrides) throws Exception {
        List<String> line = new ArrayList<>(List.of("bash", FILES.resolve(script).toString(), "job.yaml"));
        line.addAll(List.of(overrides));
        ProcessBuilder bash = new ProcessBuilder(line)
                .redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile());
        bash.environment().putAll(Map.of("PATH", folder + ":" + System.getenv("PATH"), "STATUS", Integer.toString(status), "STATE", state,
                "SLURM_JOB_ID", "4711", "SLURM_SUBMIT_DIR", folder.toString(), "SLURM_JOB_NODELIST", "gpu[1-2]", "SLURM_JOB_NUM_NODES", "2",
                "SLURM_GPUS_ON_NODE", "4", "LONGHAUL", folder.resolve("longhaul").toString()));
        bash.environment().putAll(more);
        return bash.start().waitFor();
    }
}
