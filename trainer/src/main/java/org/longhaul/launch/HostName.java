package org.longhaul.launch;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/** What this machine is called in lines that people read. */
public final class HostName {
    private HostName() {}

    /** Its name: Slurm's for the node, else the system's. */
    public static String here() {
        return Optional.ofNullable(System.getenv("SLURMD_NODENAME")).orElseGet(HostName::system);
    }

    private static String system() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return Optional.ofNullable(System.getenv("HOSTNAME")).orElse("this host");
        }
    }
}
