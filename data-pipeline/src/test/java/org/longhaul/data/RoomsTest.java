package org.longhaul.data;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Which room of the pipeline may see what. */
class RoomsTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("org.longhaul");

    @Test
    void theClassesAreThere() {
        assertTrue(CLASSES.contain("org.longhaul.data.job.Pipeline") && CLASSES.contain("org.longhaul.tokenizer.Tokenizer"), "nothing was checked");
    }

    @Test
    void onlyTheJobKnowsSpark() {
        noClasses().that().resideOutsideOfPackage("org.longhaul.data.job..")
                .should().dependOnClassesThat().resideInAnyPackage("org.apache.spark..", "scala..", "org.longhaul.data.job..")
                .check(CLASSES);
    }

    @Test
    void onlyTheTokenizersComparisonKnowsDjl() {
        noClasses().that().resideOutsideOfPackage("org.longhaul.tokenizer.bench..")
                .should().dependOnClassesThat().resideInAnyPackage("ai.djl..", "com.sun.jna..")
                .check(CLASSES);
    }

    @Test
    void sharedModulesKnowNobodyAboveThem() {
        noClasses().that().resideInAnyPackage("org.longhaul.tokenizer..", "org.longhaul.shards..")
                .should().dependOnClassesThat().resideInAnyPackage("org.longhaul.data..")
                .check(CLASSES);
        noClasses().that().resideInAnyPackage("org.longhaul.error..", "org.longhaul.config..", "org.longhaul.cli..", "org.longhaul.text..",
                        "org.longhaul.doctor..", "org.longhaul.docs..", "org.longhaul.picture..")
                .should().dependOnClassesThat().resideInAnyPackage("org.longhaul.tokenizer..", "org.longhaul.shards..", "org.longhaul.data..")
                .check(CLASSES);
    }
}
