package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

class TorchSiteTest {
    @TempDir
    Path folder;

    private Path lib(String version, String cuda) throws IOException {
        Path lib = Files.createDirectories(folder.resolve("torch/lib"));
        Files.writeString(folder.resolve("torch/version.py"), "from typing import Optional\n__version__ = '" + version
                + "'\ndebug = False\ncuda: Optional[str] = " + (cuda.isEmpty() ? "None" : "'" + cuda + "'") + "\n");
        Files.writeString(lib.resolve("libtorch_cpu.so"), "");
        return lib;
    }

    @Test
    void aNewerPyTorchNeedsOurNatives() throws IOException {
        TorchSite site = TorchSite.of(lib("2.11.0+cu130", "13.0"));
        assertEquals("2.11.0+cu130", site.version());
        assertEquals("cu130", site.flavor());
        UserError e = assertThrows(UserError.class, site::check);
        assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
        assertTrue(e.getMessage().contains("scripts/build-native " + site.folder()) && e.getMessage().contains("2.11.0"), e.getMessage());
        Files.writeString(site.folder().resolve("libdjl_torch.so"), "");
        assertDoesNotThrow(TorchSite.of(site.folder())::check);
    }

    @Test
    void prebuiltNativesFitOneVersionInTwoFlavours() throws IOException {
        assertTrue(TorchSite.of(lib("2.7.1+cu128", "12.8")).prebuilt());
        assertTrue(TorchSite.of(lib("2.7.1+cpu", "")).prebuilt());
        assertEquals("cpu", TorchSite.of(lib("2.7.1+cpu", "")).flavor());
        assertFalse(TorchSite.of(lib("2.7.1+cu126", "12.6")).prebuilt());
        assertFalse(TorchSite.of(lib("2.7.10", "")).prebuilt());
    }

    @Test
    void whatTheBuildScriptWrote() throws IOException {
        Path made = Files.createDirectories(folder.resolve("native/2.11.0"));
        Files.writeString(made.resolve("longhaul-torch.properties"), "# by the script\nversion=2.11.0+cu130\ncuda=13.0\norigin=/x\n");
        TorchSite site = TorchSite.of(made);
        assertEquals("13.0", site.cuda());
        assertTrue(assertThrows(UserError.class, site::check).getMessage().contains("libtorch_cpu.so"));
    }
}
