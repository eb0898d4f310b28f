package org.longhaul;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Which room may see which. */
class RoomsTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("org.longhaul");

    @Test
    void theClassesAreThere() {
        assertTrue(CLASSES.contain("org.longhaul.model.ModelStage"), "nothing was checked");
    }

    @Test
    void onlyTheNativeRoomTouchesNativeCode() {
        noClasses().that().resideOutsideOfPackage("org.longhaul.natives..")
                .should().dependOnClassesThat().resideInAnyPackage("com.sun.jna..", "ai.djl.pytorch..")
                .check(CLASSES);
    }

    @Test
    void theTrainerNeverSeesSpark() {
        noClasses().should().dependOnClassesThat().resideInAnyPackage("org.apache.spark..", "org.longhaul.data..").check(CLASSES);
    }

    @Test
    void theModelKnowsOperationsButNoDevice() {
        noClasses().that().resideInAPackage("org.longhaul.model..")
                .should().dependOnClassesThat().resideInAnyPackage(
                        "org.longhaul.natives..", "org.longhaul.cuda..", "org.longhaul.train..", "org.longhaul.checkpoint..", "ai.djl..")
                .check(CLASSES);
    }

    @Test
    void pureRoomsStayPure() {
        noClasses().that().resideInAnyPackage("org.longhaul.batch..", "org.longhaul.schedule..", "org.longhaul.tensor..")
                .should().dependOnClassesThat().resideInAnyPackage("ai.djl..", "org.longhaul.natives..", "org.longhaul.train..")
                .check(CLASSES);
    }
}
